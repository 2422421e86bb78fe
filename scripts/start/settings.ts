/** What `npm start` itself reads; everything else in the environment is for the apps. */
export interface StartSettings {
  /** A Redis that runs elsewhere. Undefined: a private one is started. */
  redisUrl: string | undefined
  /** A PostgreSQL that runs elsewhere. Undefined: a private one is started. */
  databaseUrl: string | undefined
  /** Default 127.0.0.1. */
  apiHost: string
  /** Undefined: 3000, or the next free one. */
  apiPort: number | undefined
  /** The modules whose handlers the worker loads, joined by commas. */
  jobs: string
  /** Whether the api asks for a key. */
  hasKeys: boolean
}

export const DEMO_JOBS = '@foliot/example-demo'
const DEFAULT_JOBS = [DEMO_JOBS, '@foliot/example-everyday'].join(',')

/**
 * An empty variable counts as one that is not set.
 *
 * @throws Error if a setting cannot be what it is.
 */
export function readSettings(env: NodeJS.ProcessEnv): StartSettings {
  return {
    redisUrl: env.FOLIOT_REDIS_URL || undefined,
    databaseUrl: env.FOLIOT_DATABASE_URL || undefined,
    apiHost: env.FOLIOT_API_HOST || '127.0.0.1',
    apiPort: readPort(env.FOLIOT_API_PORT),
    jobs: env.FOLIOT_JOBS || DEFAULT_JOBS,
    hasKeys: Boolean(env.FOLIOT_API_KEYS),
  }
}

function readPort(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text)
  throw new Error(`Expected FOLIOT_API_PORT to be a port number from 0 to 65535, got ${JSON.stringify(text)}.`)
}
