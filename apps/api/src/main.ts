/**
 * The api: REST, OpenAPI, metrics. It takes jobs, shows and repairs them; it loads no handler. Start as many as needed.
 */
import { isLoopback } from '@foliot/access'
import { openDatabase } from '@foliot/history'
import { runServices } from '@foliot/lifecycle'
import { Catalog, connectForRequests, Disk, defineScripts, EventFeed } from '@foliot/queue'
import { exitOnSettingsError, SETTINGS_EXIT_CODE } from '@foliot/settings'
import { createLogger, createMetrics, startTracing, wantsTracing } from '@foliot/telemetry'
import { Backlog } from './backlog.ts'
import { Deadlines } from './deadlines.ts'
import { readApiEnv, readKeys } from './env.ts'
import { Finishes } from './finishes.ts'
import { History } from './history.ts'
import { InputCheck } from './input-check.ts'
import { JobLogs } from './job-logs.ts'
import { JobReader } from './job-reader.ts'
import { Listener } from './listener.ts'
import { observeQueues } from './observe-queues.ts'
import { Operations } from './operations.ts'
import { RedisWatch } from './redis-watch.ts'
import { buildServer } from './server.ts'
import { Streams } from './streams/streams.ts'

const env = exitOnSettingsError(readApiEnv)
const log = createLogger({ app: 'api', level: env.FOLIOT_LOG_LEVEL })
const keys = readKeysOrExit()
const tracing = await startTracing({
  app: 'api',
  on: wantsTracing(env),
  propagatorsFromEnv: env.OTEL_PROPAGATORS !== undefined,
  log,
})

const metrics = createMetrics({ app: 'api', log })
const redis = defineScripts(connectForRequests(env.FOLIOT_REDIS_URL))
const catalog = new Catalog(redis)
// Before anything is waited for: an error of the connection that nobody listens to is printed by ioredis itself.
const redisWatch = new RedisWatch(redis, catalog, log)
const db = env.FOLIOT_DATABASE_URL === undefined ? undefined : openApiDatabase(env.FOLIOT_DATABASE_URL)
const history = db && new History(db, log)
const jobs = new JobReader({ redis, catalog, history })
const feed = new EventFeed(redis)
const finishes = new Finishes(feed, jobs)
const streams = new Streams()
const backlog = new Backlog({ redis, catalog, maxJobs: env.FOLIOT_HISTORY_BACKLOG_MAX_JOBS, log })
const operations = new Operations(redis, log)
const deadlines = new Deadlines(redis, catalog, log)
observeQueues(metrics.meter, redis, catalog)
const app = await buildServer({
  redis,
  disk: new Disk(redis),
  catalog,
  jobs,
  logs: new JobLogs({ redis, jobs, history }),
  history,
  inputs: new InputCheck(log),
  finishes,
  feed,
  streams,
  backlog,
  operations,
  keys,
  metrics,
  log,
})
const listener = new Listener(app, {
  host: env.FOLIOT_API_HOST,
  port: env.FOLIOT_API_PORT,
  graceMs: env.FOLIOT_SHUTDOWN_GRACE_MS,
})

await runServices({
  start: [
    redisWatch,
    operations,
    deadlines,
    backlog,
    listener,
    {
      name: 'ready line',
      start: async () => {
        log.info({ url: listener.url }, 'ready')
        if (keys.size === 0) log.warn('no FOLIOT_API_KEYS are set: everybody on this machine may do everything')
        if (keys.weak > 0) log.warn(`${keys.weak} of the keys in FOLIOT_API_KEYS are short enough to be guessed`)
      },
      stop: async () => {},
    },
  ],
  stop: [
    // Those who wait for a job are answered first, so that the listener can close.
    {
      name: 'waiting callers',
      start: async () => {},
      stop: async () => {
        finishes.stop()
        streams.stop()
        feed.stop()
      },
    },
    listener,
    // After the last request that could begin one, and while they can still be given back.
    operations,
    deadlines,
    backlog,
    redisWatch,
    { name: 'connections to PostgreSQL', start: async () => {}, stop: async () => db?.destroy() },
    {
      name: 'telemetry',
      start: async () => {},
      stop: async () => void (await Promise.all([metrics.shutdown(), tracing.shutdown()])),
    },
  ],
  broken: redisWatch.unusable,
  stopWithinMs: env.FOLIOT_SHUTDOWN_GRACE_MS,
  supervised: env.FOLIOT_SUPERVISED,
  log,
})

/** A caller waits no longer for the history than this: a server that hangs is given up. */
function openApiDatabase(url: string) {
  return openDatabase({
    url,
    passwordFile: env.FOLIOT_DATABASE_PASSWORD_FILE,
    poolSize: 8,
    applicationName: 'foliot-api',
    connectTimeoutMs: 1500,
    statementTimeoutMs: 5000,
    queryTimeoutMs: 6000,
  })
}

/** An api that others can reach and that asks nobody who they are does not start. */
function readKeysOrExit() {
  const exit = (message: string): never => {
    log.fatal(message)
    process.exit(SETTINGS_EXIT_CODE)
  }
  try {
    const keys = readKeys(env)
    if (keys.size > 0 || isLoopback(env.FOLIOT_API_HOST)) return keys
    return exit(
      `expected FOLIOT_API_KEYS for an api that listens on ${env.FOLIOT_API_HOST}, got none: everybody who can reach it ` +
        'could do everything. Set FOLIOT_API_KEYS="$(openssl rand -base64 32)", or FOLIOT_API_HOST=127.0.0.1',
    )
  } catch (error) {
    return exit(`FOLIOT_API_KEYS: ${(error as Error).message}`)
  }
}
