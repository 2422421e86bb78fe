import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { environment } from './env.ts'

/** A process of a round. */
export interface Running extends AsyncDisposable {
  /** For messages: which file it runs. */
  readonly name: string
  readonly pid: number
  /** Settles when it has ended, for whatever reason. */
  readonly exited: Promise<void>
  /** Whether it was told to end. */
  readonly isStopping: boolean
  /** The end of what it wrote. */
  readonly lastOutput: string
  /** Ends it, and waits until it has. */
  stop(): Promise<void>
}

/** A process that was not told to end, or one that does not, is killed after so long. */
const STOP_WITHIN_MS = 20_000
const OUTPUT_LINES = 30

export const WORKSPACE = fileURLToPath(new URL('../..', import.meta.url))

export interface StartOptions {
  name: string
  args: readonly string[]
  env?: Readonly<Record<string, string>>
  /** How it is asked to end. */
  end(child: ChildProcess): void
  /** Told each line that it writes. */
  onLine?(line: string): void
  /** Whether it gets a channel for messages. */
  ipc?: boolean
}

/** Starts Node in the root of the workspace, as a child that only we signal, and that ends when we do. */
export function start({ name, args, env, end, onLine, ipc = false }: StartOptions): Running & { child: ChildProcess } {
  const options: SpawnOptions = {
    cwd: WORKSPACE,
    env: { ...environment(), ...env },
    // A group of its own: Ctrl-C reaches the whole group of the terminal, and a round ends its processes in order.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', ...(ipc ? (['ipc'] as const) : [])],
  }
  const child = spawn(process.execPath, ['--conditions=source', ...args], options)
  // Writing to one that has ended fails. Its end says all there is to say.
  child.stdin?.on('error', () => undefined)
  const output: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue
    createInterface({ input: stream }).on('line', (line) => {
      output.push(line)
      if (output.length > OUTPUT_LINES) output.shift()
      onLine?.(line)
    })
  }
  const { promise: exited, resolve } = Promise.withResolvers<void>()
  child.once('error', (error) => {
    output.push(error.message)
    if (child.pid === undefined) resolve()
  })
  child.once('close', () => resolve())
  let isStopping = false
  const stop = async (): Promise<void> => {
    isStopping = true
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS)
    if (child.exitCode === null && child.signalCode === null) end(child)
    await exited
    clearTimeout(timer)
  }
  return {
    name,
    child,
    pid: child.pid ?? 0,
    exited,
    get isStopping() {
      return isStopping
    },
    get lastOutput() {
      return output.join('\n')
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
