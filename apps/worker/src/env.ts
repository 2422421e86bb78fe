import { type ApiKeys, parseApiKeys } from '@foliot/access'
import { durationMs, type Env, flag, integer, list, port, readEnv, secret, text, url } from '@foliot/settings'
import { telemetryEnv } from '@foliot/telemetry'

const DAY_MS = 24 * 60 * 60 * 1000

/** Every variable that the worker reads. `.env.example` says what each is for. */
export const workerEnv = {
  ...telemetryEnv,
  FOLIOT_REDIS_URL: url({ protocols: ['redis:', 'rediss:'] }).default('redis://127.0.0.1:6379'),
  FOLIOT_JOBS: list().default([]),
  FOLIOT_QUEUES: list().default([]),
  FOLIOT_CONCURRENCY: integer({ min: 1, max: 10_000 }).default(10),
  FOLIOT_ISOLATED_MEMORY_MB: integer({ min: 32, max: 1_000_000 }).default(512),
  // The limit of a timer is too near to the longest that one can wait: the stop as a whole gets a little more time.
  FOLIOT_SHUTDOWN_GRACE_MS: durationMs({ max: DAY_MS }).default(10_000),
  FOLIOT_WORKER_HOST: text().default('127.0.0.1'),
  FOLIOT_WORKER_PORT: port().default(0),
  FOLIOT_API_KEYS: secret().default(''),
  FOLIOT_SUPERVISED: flag().default(false),
}

export type WorkerEnv = Env<typeof workerEnv>

/** @throws SettingsError that names all that is wrong with the environment of this process. */
export const readWorkerEnv = (): WorkerEnv => readEnv(workerEnv, process.env)

/** @throws TypeError naming the variable and the place of the key that is wrong. */
export function readKeys(env: WorkerEnv): ApiKeys {
  try {
    return parseApiKeys(env.FOLIOT_API_KEYS)
  } catch (error) {
    throw new TypeError(`FOLIOT_API_KEYS: ${(error as Error).message}`)
  }
}
