import { type ChildProcess, spawn } from 'node:child_process'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { claimFolder, releaseFolder } from './claim-folder.ts'
import { signalIfThere } from './end-process.ts'
import { endWithParent } from './end-with-parent.ts'
import type { ServerKind } from './server-kind.ts'

/** A server that is a child of this process and listens on 127.0.0.1 alone. It never outlives this process for long. */
export interface LocalServer extends AsyncDisposable {
  /** With user, password and database, if it has such. */
  readonly url: string
  readonly port: number
  readonly pid: number
  /** The data folder, as an absolute path without links. */
  readonly dir: string
  /** What it has logged since it was started. */
  readonly logFile: string
  /** Settles when the process has ended, for whatever reason. */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** Ends it in order: its data is on the disk. Waits until it has ended; safe to call twice. */
  stop(): Promise<void>
  /** SIGKILL, as a crash would. Waits until it has ended; safe to call twice. */
  kill(): Promise<void>
}

/** How a server is run. */
export interface ServerPlan {
  kind: ServerKind
  /** The claimed folder, as an absolute path without links. */
  dir: string
  port: number
  /** The name of its log in the folder. */
  logName: string
  /** What ends it in order. */
  stopSignal: 'SIGTERM' | 'SIGINT'
  lingerMs: number
  readyTimeoutMs: number
  /** Makes ready what it runs on, once the folder is ours. */
  prepare(): Promise<ServerCommand>
  /** Whether it serves. It may also be another server that has the port; then ours is about to die. */
  isReady(pid: number | undefined): Promise<boolean>
  /** The processes that SIGKILL has to end before it, while it is stopped by SIGSTOP. */
  childrenOf?(pid: number): readonly number[]
}

export interface ServerCommand {
  url: string
  program: string
  args: readonly string[]
  /** Default: as this process. */
  cwd?: string
  env?: NodeJS.ProcessEnv
  uid?: number
  gid?: number
}

/** Others may take a port between our asking for a free one and the server binding it. */
const PORT_TRIES = 5

/**
 * Claims the folder, starts the server and waits until it serves.
 *
 * @throws Error with the end of its log if it dies or does not serve in time, and if another living process runs a
 * server of this kind on the folder.
 */
export async function runServer(plan: ServerPlan): Promise<LocalServer> {
  const { kind, dir, port, stopSignal } = plan
  await claimFolder(kind, dir, port)
  const command = await plan.prepare().catch(async (error) => {
    await releaseFolder(kind, dir)
    throw error
  })
  const logFile = join(dir, plan.logName)
  const log = await open(logFile, 'w', 0o600)
  const child = spawnServer(command, log.fd)
  const callOffGuard = child.pid === undefined ? () => {} : endWithParent(child.pid, plan.lingerMs, stopSignal)
  const exited = exitOf(child).finally(async () => {
    callOffGuard()
    await releaseFolder(kind, dir)
  })
  await log.close()

  const endBy = async (end: () => void): Promise<void> => {
    // Else a process that has nothing else to do would end here, in the middle of its waiting.
    child.ref()
    if (child.exitCode === null && child.signalCode === null) end()
    await exited
  }
  const stop = () => endBy(() => child.kill(stopSignal))
  const kill = () => endBy(() => killTree(child, plan))
  const failure = await whyNotReady(plan, child, exited)
  if (failure !== undefined) {
    await kill().catch(() => undefined)
    throw new Error(`${command.program} on port ${port} ${failure}. The end of ${logFile}:\n${await tailOf(logFile)}`)
  }
  const pid = child.pid as number
  return { url: command.url, port, pid, dir, logFile, exited, stop, kill, [Symbol.asyncDispose]: stop }
}

/** Calls `start` with the port that was asked for, or else with free ones until it finds one that stays free. */
export async function onFreePort<T>(
  asked: number | undefined,
  freePort: () => Promise<number>,
  start: (port: number) => Promise<T>,
): Promise<T> {
  for (let left = PORT_TRIES; ; left--) {
    try {
      return await start(asked ?? (await freePort()))
    } catch (error) {
      const portWasTaken = error instanceof Error && error.message.includes('Address already in use')
      if (!portWasTaken || asked !== undefined || left === 1) throw error
    }
  }
}

function spawnServer({ program, args, cwd, env, uid, gid }: ServerCommand, log: number): ChildProcess {
  const child = spawn(program, args, {
    ...(cwd !== undefined && { cwd }),
    ...(env !== undefined && { env }),
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
    // A group of its own: Ctrl-C reaches the whole group of the terminal, and servers have to be the last to go.
    detached: true,
    stdio: ['ignore', log, log],
  })
  child.unref()
  return child
}

function killTree(child: ChildProcess, { childrenOf }: ServerPlan): void {
  if (childrenOf !== undefined && child.pid !== undefined) {
    // Stopped it starts no more of them, and nobody else gets their ids before it has ended.
    child.kill('SIGSTOP')
    for (const pid of childrenOf(child.pid)) signalIfThere(pid, 'SIGKILL')
  }
  child.kill('SIGKILL')
}

function exitOf(child: ChildProcess): LocalServer['exited'] {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
}

/** Waits until the child serves. What came instead, or undefined if it does. */
async function whyNotReady(
  { isReady, readyTimeoutMs }: ServerPlan,
  child: ChildProcess,
  exited: LocalServer['exited'],
): Promise<string | undefined> {
  const giveUpAt = Date.now() + readyTimeoutMs
  const ended = exited.then(
    ({ code, signal }) => `ended with ${signal ?? `code ${code}`} before it answered`,
    (error: Error) => `could not be started: ${error.message}`,
  )
  while (Date.now() < giveUpAt) {
    if (await isReady(child.pid)) return undefined
    const end = await Promise.race([ended, sleep(10, undefined)])
    if (end !== undefined) return end
  }
  return `did not answer within ${readyTimeoutMs} ms`
}

async function tailOf(logFile: string): Promise<string> {
  return (await readFile(logFile, 'utf8')).trimEnd().split('\n').slice(-15).join('\n')
}
