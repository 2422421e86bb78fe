import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { atEndOfFile } from './at-end-of-file.ts'
import { baseEnvironment } from './env.ts'
import { readLines } from './log-lines.ts'
import type { ProcessExit, ProcessOptions, TestProcess } from './test-process.ts'

const WORKSPACE = fileURLToPath(new URL('../../..', import.meta.url))
const TIMEOUT_MS = 20_000

/** This Node, with room for all that a process makes in its few seconds: an eighth of its start is looking for garbage. */
const NODE = [process.execPath, '--min-semi-space-size=64', '--max-semi-space-size=64', '--conditions=source'] as const

const running = new Set<ChildProcess>()

// A test file that is cut short runs no hooks; its processes end with it all the same.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts a process. It is killed when the test file ends, if not before; `await using` stops it with its block. */
export async function startProcess(options: ProcessOptions): Promise<TestProcess> {
  const { entry, ownGroup = false } = options
  const child = spawnChild(options)
  const exited = exitOf(child)
  await once(child, 'spawn')

  let errorText = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    errorText += chunk
  })
  const lines = readLines(child.stdout)
  const failure = (why: string): Error => {
    const output = lines.all.slice(-40).map((line) => line.text)
    return new Error(`${entry} ${why}\n--- output:\n${output.join('\n')}\n--- standard error:\n${errorText}`)
  }

  const waitForLine: TestProcess['waitForLine'] = async (matches, { timeoutMs = TIMEOUT_MS, from = 0 } = {}) => {
    const timeout = AbortSignal.timeout(timeoutMs)
    const line = await lines.next(matches, from, timeout).catch((error) => {
      if (error !== timeout.reason) throw error
      throw failure(`wrote no line within ${timeoutMs} ms that matches ${matches}`)
    })
    if (line !== undefined) return line
    throw failure(`ended with ${describeExit(await exited)} before it wrote a line that matches ${matches}`)
  }
  const kill = (): Promise<ProcessExit> => {
    if (ownGroup) signalGroup(child, 'SIGKILL')
    child.kill('SIGKILL')
    return exited
  }
  const stop = async (): Promise<ProcessExit> => {
    let hasHung = false
    const timer = setTimeout(() => {
      hasHung = child.kill('SIGKILL')
    }, TIMEOUT_MS)
    child.kill('SIGTERM')
    const exit = await exited
    clearTimeout(timer)
    if (hasHung) throw failure(`did not end within ${TIMEOUT_MS} ms after SIGTERM`)
    return exit
  }
  atEndOfFile(kill)

  if (options.until !== undefined) await waitForLine(options.until, { timeoutMs: options.timeoutMs ?? TIMEOUT_MS })
  return {
    pid: child.pid as number,
    lines: lines.all,
    get errorText() {
      return errorText
    },
    exited,
    waitForLine,
    signal: (signal) => void child.kill(signal),
    signalGroup: (signal) => {
      if (!ownGroup) throw new TypeError('expected `ownGroup: true`: the group of this process is that of the tests')
      signalGroup(child, signal)
    },
    closeInput: () => child.stdin.end(),
    stop,
    kill,
    [Symbol.asyncDispose]: async () => void (await stop()),
  }
}

function spawnChild({ command, entry, args = [], env, cwd = WORKSPACE, ownGroup = false }: ProcessOptions) {
  const [program, ...before] = command ?? [...NODE, resolve(WORKSPACE, entry)]
  const own = command === undefined ? [] : [entry]
  const child = spawn(program, [...before, ...own, ...args], {
    cwd,
    env: { ...baseEnvironment(), ...env },
    detached: ownGroup,
    stdio: 'pipe',
  })
  running.add(child)
  // Writing to a process that has ended fails; so does ending its input. Its exit says all there is to say.
  child.stdin.on('error', () => undefined)
  return child
}

function exitOf(child: ChildProcess): Promise<ProcessExit> {
  return new Promise((resolveExit) => {
    child.once('close', (code, signal) => {
      running.delete(child)
      resolveExit({ code, signal })
    })
  })
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(-(child.pid as number), signal)
  } catch (error) {
    // Nobody of the group is left.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

const describeExit = ({ code, signal }: ProcessExit): string => signal ?? `code ${code}`
