/**
 * The scheduler: turns the ticks of schedules into jobs. Start as many as wanted: they share the schedules, and take over those
 * of one that died.
 */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import { openDatabase } from '@foliot/history'
import { HealthServer, runServices } from '@foliot/lifecycle'
import { Catalog, connectForLoops, defineScripts, RedisConnection } from '@foliot/queue'
import { RuleBook } from '@foliot/schedules'
import { exitOnSettingsError, SETTINGS_EXIT_CODE } from '@foliot/settings'
import { createLogger, createMetrics, schedulerMetrics } from '@foliot/telemetry'
import { DefinitionWatch } from './definition-watch.ts'
import { DefinitionsSync } from './definitions-sync.ts'
import { readKeys, readSchedulerEnv } from './env.ts'
import { Firing } from './firing.ts'
import { Freshness } from './freshness.ts'
import { RedisClock } from './redis-clock.ts'
import { SlotKeeper } from './slot-keeper.ts'
import { SlotLoader } from './slot-loader.ts'

// It holds much and makes little garbage: looking for it sooner costs little, and it stays small.
setFlagsFromString('--heap-growing-percent=20')

const env = exitOnSettingsError(readSchedulerEnv)
const log = createLogger({ app: 'scheduler', level: env.FOLIOT_LOG_LEVEL })
const keys = readKeysOrExit()

const scheduler = `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`
const metrics = createMetrics({ app: 'scheduler', log })
const redis = defineScripts(connectForLoops(env.FOLIOT_REDIS_URL))
// It waits for changes, and nothing else gets through meanwhile.
const watchRedis = defineScripts(connectForLoops(env.FOLIOT_REDIS_URL))
watchRedis.on('error', () => {
  // Of the other connection it is told.
})
const connection = new RedisConnection({
  redis,
  whileRefused: 'ticks make no jobs; they are late then, and none is lost',
  log,
})
const catalog = new Catalog(redis)
const clock = new RedisClock(log)
const rules = new RuleBook()
const firing: Firing = new Firing({
  redis,
  catalog,
  clock,
  metrics: schedulerMetrics(metrics.meter, () => firing.size),
  isFresh: () => freshness.isFresh(performance.now()),
  log,
})
const loader = new SlotLoader({ redis, catalog, rules, firing, log })
const keeper = new SlotKeeper({ redis, scheduler, catalog, clock, firing, loader, log })
const watch = new DefinitionWatch({ redis: watchRedis, rules, firing, loader, keeper })
const freshness = new Freshness({ heardAt: () => keeper.heardAt, lookedAt: () => watch.lookedAt })
const db =
  env.FOLIOT_DATABASE_URL === undefined
    ? undefined
    : openDatabase({
        url: env.FOLIOT_DATABASE_URL,
        passwordFile: env.FOLIOT_DATABASE_PASSWORD_FILE,
        applicationName: 'foliot-scheduler',
        poolSize: 2,
      })
const sync = db && [new DefinitionsSync({ redis, db, log, isMine: () => keeper.isFirst })]
const health = new HealthServer({
  host: env.FOLIOT_SCHEDULER_HOST,
  port: env.FOLIOT_SCHEDULER_PORT,
  keys,
  metrics,
  isAlive: () => true,
  isReady: () => connection.isUp && keeper.isReady,
})

await runServices({
  start: [
    health,
    connection,
    watch,
    firing,
    keeper,
    ...(sync ?? []),
    {
      name: 'ready line',
      start: async () => log.info({ url: health.url, scheduler }, 'ready'),
      stop: async () => {},
    },
  ],
  stop: [
    ...(sync ?? []),
    watch,
    keeper,
    firing,
    { name: 'connections to PostgreSQL', start: async () => {}, stop: async () => db?.destroy() },
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
