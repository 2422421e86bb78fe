/**
 * The worker: loads job packs, announces them, and runs jobs of their queues until told to stop. Scale out by starting
 * more of it.
 */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { HealthServer, runServices } from '@foliot/lifecycle'
import { connectForLoops, defineScripts, RedisConnection, refusalOf } from '@foliot/queue'
import { exitOnSettingsError, SETTINGS_EXIT_CODE } from '@foliot/settings'
import { createLogger, createMetrics, jobMetrics, startTracing, wantsTracing } from '@foliot/telemetry'
import { AbandonedHandlers } from './abandoned-handlers.ts'
import { Consumers } from './consumers.ts'
import { readKeys, readWorkerEnv } from './env.ts'
import { Isolation } from './isolation/isolation.ts'
import { groupByQueue, loadJobPacks } from './job-packs.ts'
import { Presence } from './presence.ts'

const env = exitOnSettingsError(readWorkerEnv)
const log = createLogger({ app: 'worker', level: env.FOLIOT_LOG_LEVEL })
const tracing = await startTracing({
  app: 'worker',
  on: wantsTracing(env),
  propagatorsFromEnv: env.OTEL_PROPAGATORS !== undefined,
  log,
})

const { keys, runnables, queues } = await exitOnMisuse(async () => {
  const runnables = await loadJobPacks(env.FOLIOT_JOBS, process.cwd())
  return { keys: readKeys(env), runnables, queues: groupByQueue(runnables, env.FOLIOT_QUEUES) }
})

let isBroken = false
process.once('uncaughtExceptionMonitor', () => {
  isBroken = true
})

const worker = `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`
const metrics = createMetrics({ app: 'worker', log })
const redis = defineScripts(connectForLoops(env.FOLIOT_REDIS_URL))
const connection = new RedisConnection({
  redis,
  whileRefused: 'few jobs are started, and what running ones report may not be kept; none is lost',
  log,
})
const abandoned = new AbandonedHandlers()
const isolation = new Isolation({
  modules: env.FOLIOT_JOBS,
  folder: process.cwd(),
  memoryMb: env.FOLIOT_ISOLATED_MEMORY_MB,
  log,
})
const consumers = new Consumers({
  queues: [...queues.keys()],
  concurrency: env.FOLIOT_CONCURRENCY,
  worker,
  redis,
  graceMs: env.FOLIOT_SHUTDOWN_GRACE_MS,
  pipeline: {
    runnables,
    isolation,
    stopGraceMs: 5000,
    onAbandoned: (ended) => abandoned.add(ended),
    random: Math.random,
    isBroken: () => isBroken,
    onLogRefused: ({ id }, err) => {
      // While Redis refuses every write, which `RedisConnection` tells, each job that logs would have a line here.
      const level = refusalOf(err) ? 'debug' : 'error'
      log[level]({ err, jobId: id }, `Redis refused lines of the job's log: ${err.message}`)
    },
  },
  metrics: jobMetrics(metrics.meter),
  log,
})
const presence = new Presence({
  worker,
  redis,
  queues,
  concurrency: env.FOLIOT_CONCURRENCY,
  running: () => consumers.running,
  log,
})
const health = new HealthServer({
  host: env.FOLIOT_WORKER_HOST,
  port: env.FOLIOT_WORKER_PORT,
  keys,
  metrics,
  // Redis that is away comes back by itself, and one that is full is not emptied by a restart, which would cost the running
  // jobs an attempt. A connection that is up but carries nothing does not come back.
  isAlive: () =>
    !connection.isUp || Date.now() - Math.max(presence.lastBeat, connection.upSince, connection.lastRefused) < 30_000,
  isReady: () => connection.isUp && presence.isOpen,
})

await runServices({
  start: [
    health,
    connection,
    consumers,
    presence,
    {
      name: 'ready line',
      start: async () => log.info({ url: health.url, worker, queues: [...queues.keys()] }, 'ready'),
      stop: async () => {},
    },
  ],
  stop: [
    { name: 'stopping line', start: async () => {}, stop: async () => presence.sayStopping() },
    consumers,
    isolation,
    presence,
    connection,
    health,
    {
      name: 'telemetry',
      start: async () => {},
      stop: async () => void (await Promise.all([metrics.shutdown(), tracing.shutdown()])),
    },
  ],
  broken: Promise.race([abandoned.tooMany, connection.denied]),
  // With Redis away nothing can be handed back: the jobs are recovered by other workers.
  stopWithinMs: env.FOLIOT_SHUTDOWN_GRACE_MS + 5000,
  supervised: env.FOLIOT_SUPERVISED,
  log,
})

/** Jobs that cannot be loaded and names that do not fit are mistakes of the configuration, like a wrong variable. */
async function exitOnMisuse<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    log.fatal(error.message)
    process.exit(SETTINGS_EXIT_CODE)
  }
}
