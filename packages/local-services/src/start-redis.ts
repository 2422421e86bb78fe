import { mkdir, realpath } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { askRedis, RedisReplyError } from './ask-redis.ts'
import { findRedisServer } from './find-redis-server.ts'
import { freePort } from './free-port.ts'
import { redisKind } from './redis-kind.ts'
import { redisPid } from './redis-pid.ts'
import { type LocalServer, onFreePort, runServer } from './run-server.ts'

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

/** Its `url` is `redis://127.0.0.1:<port>`. */
export type RedisServer = LocalServer

const PROJECT_CONFIG = fileURLToPath(new URL('../../../infra/redis/redis.conf', import.meta.url))

/**
 * Starts a private Redis with the project's configuration and waits until it answers.
 *
 * @throws Error with the end of its log if it dies or does not answer in time, and if another living process already
 * runs a Redis on the same folder.
 */
export async function startRedis(options: RedisOptions): Promise<RedisServer> {
  const program = options.server ?? (await findRedisServer())
  await mkdir(options.dir, { recursive: true })
  const dir = await realpath(options.dir)
  const { configFile = PROJECT_CONFIG, args = [], lingerMs = 0, readyTimeoutMs = 60_000 } = options
  return onFreePort(options.port, freePort, (port) =>
    runServer({
      kind: redisKind,
      dir,
      port,
      logName: 'redis.log',
      stopSignal: 'SIGTERM',
      lingerMs,
      readyTimeoutMs,
      prepare: async () => ({
        url: `redis://127.0.0.1:${port}`,
        program,
        args: [configFile, '--bind', '127.0.0.1', '--port', String(port), '--dir', dir, ...args],
      }),
      isReady: (pid) => answers(port, pid),
    }),
  )
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
