import { type ApiKeys, parseApiKeys } from '@foliot/access'
import { durationMs, type Env, flag, port, readEnv, secret, text, url } from '@foliot/settings'
import { telemetryEnv } from '@foliot/telemetry'

/** Every variable that the scheduler reads. `.env.example` says what each is for. */
const schedulerEnv = {
  ...telemetryEnv,
  FOLIOT_REDIS_URL: url({ protocols: ['redis:', 'rediss:'] }).default('redis://127.0.0.1:6379'),
  FOLIOT_DATABASE_URL: url({ protocols: ['postgres:', 'postgresql:'] }).optional(),
  FOLIOT_DATABASE_PASSWORD_FILE: text().optional(),
  FOLIOT_SCHEDULER_HOST: text().default('127.0.0.1'),
  FOLIOT_SCHEDULER_PORT: port().default(0),
  FOLIOT_API_KEYS: secret().default(''),
  FOLIOT_SHUTDOWN_GRACE_MS: durationMs().default(10_000),
  FOLIOT_SUPERVISED: flag().default(false),
}

export type SchedulerEnv = Env<typeof schedulerEnv>

/** @throws SettingsError that names all that is wrong with the environment of this process. */
export const readSchedulerEnv = (): SchedulerEnv => readEnv(schedulerEnv, process.env)

/** @throws TypeError naming the variable and the place of the key that is wrong. */
export function readKeys(env: SchedulerEnv): ApiKeys {
  try {
    return parseApiKeys(env.FOLIOT_API_KEYS)
  } catch (error) {
    throw new TypeError(`FOLIOT_API_KEYS: ${(error as Error).message}`)
  }
}
