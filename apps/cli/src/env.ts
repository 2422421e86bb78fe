import { type Env, readEnv, text, url } from '@foliot/settings'

/** Every variable that the command reads. `.env.example` says what each is for. */
const cliEnv = {
  FOLIOT_DATABASE_URL: url({ protocols: ['postgres:', 'postgresql:'] }),
  FOLIOT_DATABASE_PASSWORD_FILE: text().optional(),
  // No default: without it, processes hear of a change from PostgreSQL.
  FOLIOT_REDIS_URL: url({ protocols: ['redis:', 'rediss:'] }).optional(),
}

export type CliEnv = Env<typeof cliEnv>

/** @throws SettingsError that names all that is wrong with the environment of this process. */
export const readCliEnv = (): CliEnv => readEnv(cliEnv, process.env)
