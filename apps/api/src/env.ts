import { parseApiKeys } from '@foliot/access'
import { durationMs, type Env, flag, integer, port, readEnv, secret, text, url } from '@foliot/settings'
import { telemetryEnv } from '@foliot/telemetry'

/** Every variable that the api reads. `.env.example` says what each is for. */
const apiEnv = {
  ...telemetryEnv,
  FOLIOT_REDIS_URL: url({ protocols: ['redis:', 'rediss:'] }).default('redis://127.0.0.1:6379'),
  FOLIOT_DATABASE_URL: url({ protocols: ['postgres:', 'postgresql:'] }).optional(),
  FOLIOT_DATABASE_PASSWORD_FILE: text().optional(),
  FOLIOT_HISTORY_BACKLOG_MAX_JOBS: integer({ min: 1, max: 1_000_000_000 }).default(2_000_000),
  FOLIOT_API_HOST: text().default('127.0.0.1'),
  FOLIOT_API_PORT: port().default(3000),
  FOLIOT_API_KEYS: secret().default(''),
  FOLIOT_SHUTDOWN_GRACE_MS: durationMs().default(10_000),
  FOLIOT_SUPERVISED: flag().default(false),
}

export type ApiEnv = Env<typeof apiEnv>

/** @throws SettingsError that names all that is wrong with the environment of this process. */
export const readApiEnv = (): ApiEnv => readEnv(apiEnv, process.env)

export const readKeys = (env: ApiEnv) => parseApiKeys(env.FOLIOT_API_KEYS)
