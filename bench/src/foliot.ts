import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type App, type AppName, startApp } from './app.ts'
import type { Round } from './round.ts'

export interface Foliot {
  /** Starts the api. */
  api(): Promise<App>
  /** Starts a worker. */
  worker(concurrency?: number): Promise<App>
  /** Starts the recorder. It needs a `databaseUrl`. */
  recorder(): Promise<App>
  /** Starts a scheduler. */
  scheduler(): Promise<App>
  /** Has a worker come and go, after which the api takes its job types. Nobody runs jobs afterwards. */
  announce(): Promise<void>
  /** The one key that the api accepts. */
  readonly key: string
}

export interface FoliotOptions {
  redisUrl: string
  /** Where the history is. Default: there is none. */
  databaseUrl?: string
  /** The job pack, as in FOLIOT_JOBS. Default: examples/demo. */
  jobs?: string
  /** The app whose CPU profile is written to `dir`. */
  profile?: { app: AppName; dir: string } | undefined
}

/** Our side of a comparison: the real apps, started as their users start them. */
export function foliotOn(round: Round, options: FoliotOptions): Foliot {
  const { redisUrl, databaseUrl, jobs = '@foliot/example-demo', profile } = options
  const key = randomBytes(32).toString('hex')
  const env = { FOLIOT_REDIS_URL: redisUrl, FOLIOT_JOBS: jobs, FOLIOT_API_KEYS: key }
  const profileOf = (app: AppName): string | undefined =>
    profile?.app === app ? join(profile.dir, `${round.name}-${app}.cpuprofile`) : undefined
  const { FOLIOT_JOBS, ...withoutJobs } = env
  const apiEnv = { ...withoutJobs, ...(databaseUrl !== undefined && { FOLIOT_DATABASE_URL: databaseUrl }) }
  return {
    key,
    api: () => round.run(startApp('api', { env: apiEnv, profile: profileOf('api') })),
    worker: (concurrency = 50) =>
      round.run(
        startApp('worker', { env: { ...env, FOLIOT_CONCURRENCY: String(concurrency) }, profile: profileOf('worker') }),
      ),
    recorder: () => round.run(startApp('recorder', { env: apiEnv, profile: profileOf('recorder') })),
    scheduler: () => round.run(startApp('scheduler', { env: apiEnv, profile: profileOf('scheduler') })),
    async announce() {
      const worker = await round.run(startApp('worker', { env }))
      await worker.stop()
    },
  }
}
