/**
 * The recorder: takes what finished into the history in PostgreSQL. Start one; a second one stands by, and takes over the
 * queues of one that died.
 */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { openDatabase } from '@foliot/history'
import { HealthServer, runServices } from '@foliot/lifecycle'
import { Catalog, connectForLoops, defineScripts, RedisConnection } from '@foliot/queue'
import { exitOnSettingsError, SETTINGS_EXIT_CODE } from '@foliot/settings'
import { createLogger, createMetrics, recorderMetrics, watchMetrics } from '@foliot/telemetry'
import { AuditRecorder } from './audit-recorder.ts'
import { readKeys, readRecorderEnv } from './env.ts'
import { observeOutboxes } from './observe-outboxes.ts'
import { Recorder } from './recorder.ts'
import { ScheduleWatch } from './schedules/schedule-watch.ts'
import { TickRecorder } from './tick-recorder.ts'
import { Upkeep } from './upkeep.ts'

const env = exitOnSettingsError(readRecorderEnv)
const log = createLogger({ app: 'recorder', level: env.FOLIOT_LOG_LEVEL })
const keys = readKeysOrExit()

const name = `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`
const metrics = createMetrics({ app: 'recorder', log })
const redis = defineScripts(connectForLoops(env.FOLIOT_REDIS_URL))
const connection = new RedisConnection({ redis, whileRefused: 'what finished cannot be taken out of it', log })
const catalog = new Catalog(redis)
const database = {
  url: env.FOLIOT_DATABASE_URL,
  passwordFile: env.FOLIOT_DATABASE_PASSWORD_FILE,
  applicationName: 'foliot-recorder',
}
const db = openDatabase({ ...database, poolSize: 4 })
// Moving and dropping the jobs of a day takes longer than a batch may.
const patientDb = openDatabase({ ...database, poolSize: 1, statementTimeoutMs: 300_000, queryTimeoutMs: 310_000 })
const upkeep = new Upkeep({
  db: patientDb,
  retention: { keepDays: env.FOLIOT_HISTORY_DAYS, keepDeadLettersDays: env.FOLIOT_HISTORY_DEAD_LETTER_DAYS },
  keepAuditDays: env.FOLIOT_AUDIT_DAYS,
  log,
})
const recorder = new Recorder({
  redis,
  catalog,
  db,
  upkeep,
  recorder: name,
  metrics: recorderMetrics(metrics.meter),
  log,
})
const audit = new AuditRecorder({ redis, db, upkeep, log })
const ticks = new TickRecorder({ redis, catalog, db, upkeep, log })
observeOutboxes(metrics.meter, redis, catalog)
// It waits for changes, and nothing else gets through meanwhile.
const listening = defineScripts(connectForLoops(env.FOLIOT_REDIS_URL))
listening.on('error', () => {
  // Of the other connection it is told.
})
const watch = new ScheduleWatch({ redis, listening, recorder: name, log })
watchMetrics(metrics.meter, () => watch.counts)
const health = new HealthServer({
  host: env.FOLIOT_RECORDER_HOST,
  port: env.FOLIOT_RECORDER_PORT,
  keys,
  metrics,
  isAlive: () => true,
  isReady: () => connection.isUp && recorder.trouble === undefined,
})

await runServices({
  start: [
    health,
    connection,
    recorder,
    audit,
    ticks,
    watch,
    {
      name: 'ready line',
      start: async () => log.info({ url: health.url, recorder: name }, 'ready'),
      stop: async () => {},
    },
  ],
  stop: [
    recorder,
    audit,
    ticks,
    watch,
    { name: 'upkeep', start: async () => {}, stop: () => upkeep.stop() },
    {
      name: 'connections to PostgreSQL',
      start: async () => {},
      stop: async () => void (await Promise.all([db.destroy(), patientDb.destroy()])),
    },
    connection,
    health,
    { name: 'telemetry', start: async () => {}, stop: () => metrics.shutdown() },
  ],
  broken: connection.denied,
  stopWithinMs: env.FOLIOT_SHUTDOWN_GRACE_MS,
  supervised: env.FOLIOT_SUPERVISED,
  log,
})

/** A key that cannot be read is a mistake of the configuration, like a wrong variable. */
function readKeysOrExit() {
  try {
    return readKeys(env)
  } catch (error) {
    log.fatal((error as Error).message)
    process.exit(SETTINGS_EXIT_CODE)
  }
}
