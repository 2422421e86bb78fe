import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, open, readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { askRedis, RedisReplyError } from './ask-redis.ts'
import { claimFolder, releaseFolder } from './claim-folder.ts'
import { endWithParent } from './end-with-parent.ts'
import { findRedisServer } from './find-redis-server.ts'
import { freePort } from './free-port.ts'
import { redisPid } from './redis-pid.ts'

export interface RedisOptions {
  /** The folder of its data and its log. Made if it is not there; data in it is resumed. */
  dir: string
  /** Default: any free one. */
  port?: number
  /** Default: infra/redis/redis.conf. */
  configFile?: string
  /** More of the configuration, as arguments: `['--databases', '512']`. They win over the file. */
  args?: readonly string[]
  /** The program. Default: what `findRedisServer` finds. */
  server?: string
  /** How long it may take until it answers, loading its data included, in milliseconds. Default 60 000. */
  readyTimeoutMs?: number
  /** How long it lives on when this process is killed, for others to finish their work, in ms. Default 0. */
  lingerMs?: number
}

/** A Redis that is a child of this process and listens on 127.0.0.1 alone. It never outlives this process for long. */
export interface RedisServer extends AsyncDisposable {
  /** `redis://127.0.0.1:<port>` */
  readonly url: string
  readonly port: number
  readonly pid: number
  /** The data folder, as an absolute path without links. */
  readonly dir: string
  /** What it has logged since it was started. */
  readonly logFile: string
  /** Settles when the process has ended, for whatever reason. */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** SIGTERM: it writes its data to the disk. Waits until it has ended; safe to call twice. */
  stop(): Promise<void>
  /** SIGKILL, as a crash would. Waits until it has ended; safe to call twice. */
  kill(): Promise<void>
}

const PROJECT_CONFIG = fileURLToPath(new URL('../../../infra/redis/redis.conf', import.meta.url))

/** Others may take a port between our asking for a free one and Redis binding it. */
const PORT_TRIES = 5

/**
 * Starts a private Redis with the project's configuration and waits until it answers.
 *
 * @throws Error with the end of its log if it dies or does not answer in time, and if another living process already
 * runs a Redis on the same folder.
 */
export async function startRedis(options: RedisOptions): Promise<RedisServer> {
  const server = options.server ?? (await findRedisServer())
  await mkdir(options.dir, { recursive: true })
  const dir = await realpath(options.dir)
  for (let left = PORT_TRIES; ; left--) {
    try {
      return await startOn(options.port ?? (await freePort()), { ...options, server, dir })
    } catch (error) {
      const portWasTaken = error instanceof Error && error.message.includes('Address already in use')
      if (!portWasTaken || options.port !== undefined || left === 1) throw error
    }
  }
}

async function startOn(port: number, options: RedisOptions & { server: string }): Promise<RedisServer> {
  const { server, dir, configFile = PROJECT_CONFIG, args = [], lingerMs = 0, readyTimeoutMs = 60_000 } = options
  await claimFolder(dir, port)
  const logFile = join(dir, 'redis.log')
  const log = await open(logFile, 'w')
  const child = spawn(server, [configFile, '--bind', '127.0.0.1', '--port', String(port), '--dir', dir, ...args], {
    // A group of its own: Ctrl-C reaches the whole group of the terminal, and Redis has to be the last to go.
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  })
  child.unref()
  const callOffGuard = child.pid === undefined ? () => {} : endWithParent(child.pid, lingerMs)
  const exited = exitOf(child).finally(async () => {
    callOffGuard()
    await releaseFolder(dir)
  })
  await log.close()

  const endBy = async (signal: NodeJS.Signals): Promise<void> => {
    // Else a process that has nothing else to do would end here, in the middle of its waiting.
    child.ref()
    child.kill(signal)
    await exited
  }
  const failure = await whyNotReady(port, child, exited, readyTimeoutMs)
  if (failure !== undefined) {
    await endBy('SIGKILL').catch(() => undefined)
    throw new Error(`${server} on port ${port} ${failure}. The end of ${logFile}:\n${await tailOf(logFile)}`)
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    pid: child.pid as number,
    dir,
    logFile,
    exited,
    stop: () => endBy('SIGTERM'),
    kill: () => endBy('SIGKILL'),
    [Symbol.asyncDispose]: () => endBy('SIGTERM'),
  }
}

function exitOf(child: ChildProcess): RedisServer['exited'] {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
}

/** Waits until the child answers. What came instead, or undefined if it does answer. */
async function whyNotReady(
  port: number,
  child: ChildProcess,
  exited: RedisServer['exited'],
  timeoutMs: number,
): Promise<string | undefined> {
  const giveUpAt = Date.now() + timeoutMs
  const ended = exited.then(
    ({ code, signal }) => `ended with ${signal ?? `code ${code}`} before it answered`,
    (error: Error) => `could not be started: ${error.message}`,
  )
  while (Date.now() < giveUpAt) {
    if (await answers(port, child.pid)) return undefined
    const end = await Promise.race([ended, sleep(10, undefined)])
    if (end !== undefined) return end
  }
  return `did not answer within ${timeoutMs} ms`
}

async function answers(port: number, pid: number | undefined): Promise<boolean> {
  try {
    await askRedis({ port }, ['PING'])
    // Somebody else's Redis may have the port; then ours is about to die.
    return (await redisPid(port)) === pid
  } catch (error) {
    // It wants a password: it is up. Anything else means that it is not yet: nobody listens, or it loads its data.
    return error instanceof RedisReplyError && error.message.startsWith('NOAUTH')
  }
}

async function tailOf(logFile: string): Promise<string> {
  return (await readFile(logFile, 'utf8')).trimEnd().split('\n').slice(-15).join('\n')
}
