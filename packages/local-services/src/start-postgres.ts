import { readFileSync } from 'node:fs'
import { mkdir, realpath } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.ts'
import { HERE, NAME, openCluster } from './postgres-cluster.ts'
import { postgresKind, readPostmasterFile, removeStaleLock } from './postgres-kind.ts'
import { plainEnvironment } from './run-as.ts'
import { type LocalServer, onFreePort, runServer } from './run-server.ts'

export interface PostgresOptions {
  /** The folder of its data, its password and its log. Made if it is not there; data in it is resumed. */
  dir: string
  /** Default: any free one. */
  port?: number
  /** More of the configuration, as arguments: `['-c', 'fsync=off']`. */
  args?: readonly string[]
  /** How long it may take until it serves, recovery after a crash included, in milliseconds. Default 60 000. */
  readyTimeoutMs?: number
  /** How long it lives on when this process is killed, for others to finish their work, in ms. Default 0. */
  lingerMs?: number
}

/** Its `url` is `postgres://foliot:<password>@127.0.0.1:<port>/foliot`. That user may do everything. */
export type PostgresServer = LocalServer

/** How long the processes of a killed server may take to notice its end. */
const ORPHANS_MS = 10_000

/**
 * Starts a private PostgreSQL 18 and waits until it serves. As root it runs as the user `postgres`, or else `nobody`.
 *
 * @throws Error with the end of its log if it dies or does not serve in time; if another living process already runs a
 * PostgreSQL on the same folder; if there is none for this platform.
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  await mkdir(options.dir, { recursive: true })
  const dir = await realpath(options.dir)
  const giveUpAt = Date.now() + ORPHANS_MS
  for (;;) {
    try {
      return await onFreePort(options.port, freePort, (port) => startOn(port, dir, options))
    } catch (error) {
      const hasOrphans = error instanceof Error && error.message.includes('pre-existing shared memory block')
      if (!hasOrphans || Date.now() > giveUpAt) throw error
      await sleep(50)
    }
  }
}

function startOn(port: number, dir: string, options: PostgresOptions): Promise<PostgresServer> {
  const { args = [], lingerMs = 0, readyTimeoutMs = 60_000 } = options
  const own = ['listen_addresses=127.0.0.1', `port=${port}`, 'unix_socket_directories=']
  return runServer({
    kind: postgresKind,
    dir,
    port,
    logName: 'postgres.log',
    // SIGTERM would let it wait until its last client has gone.
    stopSignal: 'SIGINT',
    lingerMs,
    readyTimeoutMs,
    prepare: async () => {
      const { data, password, user, programs } = await openCluster(dir)
      await removeStaleLock(dir)
      return {
        url: `postgres://${NAME}:${password}@127.0.0.1:${port}/${NAME}`,
        program: programs.postgres,
        args: ['-D', HERE, ...own.flatMap((setting) => ['-c', setting]), ...args],
        cwd: data,
        env: plainEnvironment(),
        ...user,
      }
    },
    isReady: async (pid) => {
      const file = await readPostmasterFile(dir)
      return file !== undefined && file.pid === pid && file.status === 'ready'
    },
    childrenOf,
  })
}

/** Of one that has just ended, none: the kernel has given them to another parent. */
function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return []
    throw error
  }
}
