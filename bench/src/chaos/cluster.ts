import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findRedisServer, HEAP_ARGUMENTS, type PostgresServer, startPostgres, startRedis } from '@foliot/local-services'
import { start, WORKSPACE } from '../process.ts'
import { type Life, Member } from './member.ts'
import { quietPort } from './quiet-port.ts'

/** The processes of a run: one Redis, one PostgreSQL, and apps. */
export interface Cluster<Name extends string> extends AsyncDisposable {
  readonly members: ReadonlyMap<Name, Member<Name>>
  /** Where the apis answer, whenever they do. */
  readonly apiUrls: readonly string[]
  /** The one key that the apis accept. */
  readonly key: string
  readonly redisUrl: string
  /** Of the PostgreSQL that holds the history. */
  readonly databaseUrl: string
  /** Waits until each of them has said that it is ready, or `timeoutMs` are over. @returns those that have not. */
  untilReady(timeoutMs: number, signal: AbortSignal): Promise<Name[]>
}

export interface ClusterOptions<Name extends string> {
  /** `redis`, `postgres`, and apps: `api-1` is the first process of `apps/api`. */
  members: readonly Name[]
  /** The job packs of the workers: packages, or files from the root of the workspace. */
  jobs: readonly string[]
  /** Where Redis keeps its data and everybody's output is written. */
  dir: string
  note(line: string): void
  onUnexpectedEnd(member: Name, how: string): void
}

/** Less than the default of 10 s, so that jobs are handed back now and then. */
const GRACE_MS = 5000
const CONCURRENCY = 30

/** What PostgreSQL has acknowledged survives the death of its process all the same. */
const WITHOUT_DISK = ['-c', 'fsync=off', '-c', 'full_page_writes=off']

export async function startCluster<Name extends string>(options: ClusterOptions<Name>): Promise<Cluster<Name>> {
  const { dir, jobs, note, onUnexpectedEnd } = options
  const server = await findRedisServer()
  const ports = { redis: await quietPort(), postgres: await quietPort() }
  const apiPorts = new Map<string, number>()
  for (const name of options.members) if (appOf(name) === 'api') apiPorts.set(name, await quietPort())
  const redisUrl = `redis://127.0.0.1:${ports.redis}`
  const key = randomBytes(32).toString('hex')
  const redisDir = join(dir, 'redis')
  await mkdir(redisDir, { recursive: true })

  const launchRedis = async (): Promise<Life> => lifeOf(await startRedis({ dir: redisDir, port: ports.redis, server }))

  const postgresDir = join(dir, 'postgres')
  const postgres = () => startPostgres({ dir: postgresDir, port: ports.postgres, args: WITHOUT_DISK })
  // Its data has to be made, and then its address is known.
  let firstPostgres: PostgresServer | undefined = await postgres()
  const databaseUrl = firstPostgres.url
  const launchPostgres = async (): Promise<Life> => {
    const server = firstPostgres ?? (await postgres())
    firstPostgres = undefined
    // SIGTERM would have it wait until the last of its clients has gone.
    return lifeOf(server, 'SIGINT')
  }

  const launchApp = async (name: Name): Promise<Life> => {
    const output = createWriteStream(join(dir, `${name}.log`), { flags: 'a' })
    let isReady = false
    const { child, exited } = start({
      name,
      args: [...HEAP_ARGUMENTS, join(WORKSPACE, 'apps', appOf(name), 'src/main.ts')],
      env: {
        FOLIOT_REDIS_URL: redisUrl,
        FOLIOT_DATABASE_URL: databaseUrl,
        FOLIOT_API_KEYS: key,
        FOLIOT_API_PORT: String(apiPorts.get(name) ?? 0),
        FOLIOT_WORKER_PORT: '0',
        FOLIOT_JOBS: jobs.join(','),
        FOLIOT_CONCURRENCY: String(CONCURRENCY),
        FOLIOT_SHUTDOWN_GRACE_MS: String(GRACE_MS),
        // It ends when its standard input does: also when we are killed.
        FOLIOT_SUPERVISED: '1',
      },
      end: (one) => one.kill('SIGTERM'),
      onLine: (line) => {
        output.write(`${line}\n`)
        isReady ||= line.includes('"msg":"ready"')
      },
    })
    if (child.pid === undefined) throw new Error(`${name} could not be started`)
    return {
      pid: child.pid,
      exited: exited.then(() => {
        output.end()
        return child.signalCode ?? `code ${child.exitCode}`
      }),
      isReady: () => isReady,
      signal: (name) => child.kill(name),
    }
  }

  const members = new Map(
    options.members.map((name) => {
      const launch = () => {
        if (name === 'redis') return launchRedis()
        return name === 'postgres' ? launchPostgres() : launchApp(name)
      }
      const told = { note, onUnexpectedEnd: (how: string) => onUnexpectedEnd(name, how) }
      return [name, new Member<Name>({ name, launch, ...told })]
    }),
  )
  return {
    members,
    key,
    redisUrl,
    databaseUrl,
    apiUrls: [...apiPorts.values()].map((port) => `http://127.0.0.1:${port}`),
    async untilReady(timeoutMs, signal) {
      const giveUpAt = performance.now() + timeoutMs
      for (;;) {
        const late = [...members.values()].filter(({ isReady }) => !isReady).map(({ name }) => name)
        if (late.length === 0 || performance.now() > giveUpAt) return late
        await sleep(50, undefined, { signal })
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...members.values()].map((member) => member.end()))
    },
  }
}

const appOf = (name: string): string => name.slice(0, name.indexOf('-'))

function lifeOf({ pid, exited }: Pick<PostgresServer, 'pid' | 'exited'>, stop: NodeJS.Signals = 'SIGTERM'): Life {
  return {
    pid,
    exited: exited.then(({ code, signal }) => signal ?? `code ${code}`),
    isReady: () => true,
    signal: (name) => sendSignal(pid, name === 'SIGTERM' ? stop : name),
  }
}

function sendSignal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch (error) {
    // It has ended just now, which is about to be told.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}
