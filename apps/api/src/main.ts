/**
 * The api: REST, OpenAPI, metrics. It takes jobs, shows and repairs them; it loads no handler. Start as many as needed.
 */
import { isLoopback, KeyRing } from '@foliot/access'
import { openDatabase } from '@foliot/history'
import { runServices } from '@foliot/lifecycle'
import { Catalog, connectForRequests, Disk, defineScripts, EventFeed, untilReady } from '@foliot/queue'
import { exitOnSettingsError, SETTINGS_EXIT_CODE } from '@foliot/settings'
import { createLogger, createMetrics, startTracing, wantsTracing } from '@foliot/telemetry'
import { AccessStore } from './access/access-store.ts'
import { AccessWatch } from './access/access-watch.ts'
import { KeyUses } from './access/key-uses.ts'
import { WrongKeys } from './access/wrong-keys.ts'
import { AuditLog } from './audit/audit-log.ts'
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
import { Backfills } from './schedules/backfills.ts'
import { ScheduleStore } from './schedules/schedule-store.ts'
import { buildServer } from './server.ts'
import { Streams } from './streams/streams.ts'

const OPEN = 'no FOLIOT_API_KEYS are set, and nobody has made a key: everybody on this machine may do everything'

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
const isLocal = isLoopback(env.FOLIOT_API_HOST)
const access = new KeyRing({ own: keys, isLocal })
const accessWatch = new AccessWatch({ access, redis, db, log })
if (!isLocal && keys.size === 0) await assertHasKeys()
const keyUses = new KeyUses(db, log)
const wrongKeys = new WrongKeys(log)
const history = db && new History(db, log)
const jobs = new JobReader({ redis, catalog, history })
const feed = new EventFeed(redis)
const finishes = new Finishes(feed, jobs)
const streams = new Streams(access)
const backlog = new Backlog({ redis, catalog, maxJobs: env.FOLIOT_HISTORY_BACKLOG_MAX_JOBS, log })
const audit = new AuditLog({ redis, history, log })
const inputs = new InputCheck(log)
const disk = new Disk(redis)
const backfills = new Backfills({ redis, disk, catalog, inputs, backlog, access })
const operations = new Operations(redis, log, backfills.makeJobs)
const deadlines = new Deadlines(redis, catalog, log)
observeQueues(metrics.meter, redis, catalog)
const app = await buildServer({
  redis,
  disk,
  catalog,
  jobs,
  logs: new JobLogs({ redis, jobs, history }),
  history,
  inputs,
  finishes,
  feed,
  streams,
  backlog,
  operations,
  schedules: new ScheduleStore({ db, redis, log }),
  access,
  accessStore: new AccessStore(db, accessWatch),
  keyUses,
  wrongKeys,
  audit,
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
    accessWatch,
    keyUses,
    operations,
    deadlines,
    backlog,
    audit,
    listener,
    {
      name: 'ready line',
      start: async () => {
        log.info({ url: listener.url }, 'ready')
        if (access.isOpen) log.warn(OPEN)
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
        wrongKeys.stop()
        streams.stop()
        feed.stop()
      },
    },
    listener,
    // After the last request that could begin one, and while they can still be given back.
    operations,
    deadlines,
    backlog,
    audit,
    accessWatch,
    redisWatch,
    // After the last request that could use a key.
    keyUses,
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

function readKeysOrExit() {
  try {
    return readKeys(env)
  } catch (error) {
    log.fatal(`FOLIOT_API_KEYS: ${(error as Error).message}`)
    return process.exit(SETTINGS_EXIT_CODE)
  }
}

/** An api that others can reach and that knows nobody does not start. */
async function assertHasKeys(): Promise<void> {
  // What goes wrong with Redis is told of by who watches it.
  await untilReady(redis, 1500).catch(() => undefined)
  await accessWatch.firstLook()
  if (access.hasStoredAdmin) return
  const nor = !access.isSettled
    ? ', and neither PostgreSQL nor Redis tells whether there is an admin key of all tenants'
    : db
      ? ', nor an admin key of all tenants in PostgreSQL'
      : ''
  const orMake = db ? ', make a key with `foliot keys create --name admin --scopes admin --all-tenants`' : ''
  log.fatal(
    `expected FOLIOT_API_KEYS for an api that listens on ${env.FOLIOT_API_HOST}, got none${nor}: everybody who can reach ` +
      `it could do everything. Set FOLIOT_API_KEYS="$(openssl rand -base64 32)"${orMake}, or set FOLIOT_API_HOST=127.0.0.1`,
  )
  // What did not answer may do so at the next start.
  process.exit(access.isSettled ? SETTINGS_EXIT_CODE : 1)
}
