import { type ApiKeys, parseApiKeys } from '@foliot/access'
import { durationMs, type Env, flag, integer, port, readEnv, secret, text, url } from '@foliot/settings'
import { telemetryEnv } from '@foliot/telemetry'

const MAX_DAYS = 36_500

/** Every variable that the recorder reads. `.env.example` says what each is for. */
const recorderEnv = {
  ...telemetryEnv,
  FOLIOT_REDIS_URL: url({ protocols: ['redis:', 'rediss:'] }).default('redis://127.0.0.1:6379'),
  FOLIOT_DATABASE_URL: url({ protocols: ['postgres:', 'postgresql:'] }),
  FOLIOT_DATABASE_PASSWORD_FILE: text().optional(),
  FOLIOT_HISTORY_DAYS: integer({ min: 1, max: MAX_DAYS }).default(30),
  FOLIOT_HISTORY_DEAD_LETTER_DAYS: integer({ min: 1, max: MAX_DAYS }).default(365),
  FOLIOT_AUDIT_DAYS: integer({ min: 1, max: MAX_DAYS }).default(365),
  FOLIOT_RECORDER_HOST: text().default('127.0.0.1'),
  FOLIOT_RECORDER_PORT: port().default(0),
  FOLIOT_API_KEYS: secret().default(''),
  FOLIOT_SHUTDOWN_GRACE_MS: durationMs().default(10_000),
  FOLIOT_SUPERVISED: flag().default(false),
}

export type RecorderEnv = Env<typeof recorderEnv>

/** @throws SettingsError that names all that is wrong with the environment of this process. */
export const readRecorderEnv = (): RecorderEnv => readEnv(recorderEnv, process.env)

/** @throws TypeError naming the variable and the place of the key that is wrong. */
export function readKeys(env: RecorderEnv): ApiKeys {
  try {
    return parseApiKeys(env.FOLIOT_API_KEYS)
  } catch (error) {
    throw new TypeError(`FOLIOT_API_KEYS: ${(error as Error).message}`)
  }
}
