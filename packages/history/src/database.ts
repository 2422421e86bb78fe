import { readFile } from 'node:fs/promises'
import { Kysely, PostgresDialect } from 'kysely'
import { Client, Pool, types } from 'pg'
import type { Schema } from './schema.ts'

export type Database = Kysely<Schema>

export interface DatabaseOptions {
  /** `postgres://user:password@host:port/database`. */
  url: string
  /** A file with the password, read for each new connection; one in the URL goes before it. Default: none. */
  passwordFile?: string | undefined
  /** Connections at most. Default 10. */
  poolSize?: number
  /** After this the server ends a statement. Default 10 000. */
  statementTimeoutMs?: number
  /** After this we give a statement up, whatever the server does, and hang up on it. Default 15 000. */
  queryTimeoutMs?: number
  /** For how long to wait for a connection: one of the pool to become free, or a new one to be made. Default 5 000. */
  connectTimeoutMs?: number
  /** How the server lists our connections. Default `foliot`. */
  applicationName?: string
}

export const DATABASE_DEFAULTS = Object.freeze({
  poolSize: 10,
  statementTimeoutMs: 10_000,
  queryTimeoutMs: 15_000,
  connectTimeoutMs: 5_000,
  applicationName: 'foliot',
})

/**
 * A pool of connections; none is made before the first query, so a server that is away is no error here. Connections that
 * broke are replaced. `destroy()` ends it.
 */
export function openDatabase(options: DatabaseOptions): Database {
  const resolved = { ...DATABASE_DEFAULTS, ...options }
  const pool = new Pool({
    connectionString: resolved.url,
    max: resolved.poolSize,
    application_name: resolved.applicationName,
    statement_timeout: resolved.statementTimeoutMs,
    query_timeout: resolved.queryTimeoutMs,
    connectionTimeoutMillis: resolved.connectTimeoutMs,
    // A process of ours that froze within a transaction must not hold its locks for ever.
    idle_in_transaction_session_timeout: resolved.statementTimeoutMs + resolved.queryTimeoutMs,
    keepAlive: true,
    // Compiling a search takes longer than the search. Days are days of UTC wherever the server stands.
    options: '-c jit=off -c timezone=UTC',
    types: { getTypeParser },
    Client: clientWith(options.passwordFile),
  })
  // A connection that breaks while nobody uses it is no news: its next user gets another. Unheard, it would end the process.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) })
}

const READ_TIMEOUT = 'Query read timeout'

/** Whether we gave up waiting for the server's answer. */
export const isReadTimeout = (error: unknown): boolean => error instanceof Error && error.message === READ_TIMEOUT

/**
 * Hangs up when a query gets no answer in time. The driver by itself would keep the connection, and everything that is
 * sent over it later would wait behind the query that was given up.
 */
class ImpatientClient extends Client {
  // The overloads are those of the driver, whose promises alone we use.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  override query(...args: any[]): any {
    const answer = (super.query as (...args: unknown[]) => unknown).apply(this, args)
    if (!(answer instanceof Promise)) return answer
    return answer.catch((error: unknown) => {
      if (isReadTimeout(error)) this.end().catch(() => undefined)
      throw error
    })
  }
}

/** The driver takes the password of an address, also an empty one, for more than any other setting. */
function clientWith(passwordFile: string | undefined): typeof Client {
  return passwordFile === undefined ? ImpatientClient : clientThatReads(passwordFile)
}

/** Before it connects: the driver would leave a connection open for which it gets no password. */
function clientThatReads(passwordFile: string): typeof Client {
  return class extends ImpatientClient {
    // The overloads are those of the driver.
    // biome-ignore lint/suspicious/noExplicitAny: see above
    override connect(...args: any[]): any {
      const [done] = args
      const read = readPassword(passwordFile).then((password) => {
        this.password ||= password
      })
      if (!done) return read.then(() => super.connect())
      read.then(() => super.connect(done), done)
    }
  }
}

/** The password of PostgreSQL could not be read. */
export class PasswordFileError extends Error {
  override readonly name = 'PasswordFileError'
}

async function readPassword(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (cause) {
    const message = `expected a file with the password of PostgreSQL, as FOLIOT_DATABASE_PASSWORD_FILE says, got: ${cause}`
    throw new PasswordFileError(message, { cause })
  }
}

const INT8 = 20
const DATE = 1082
const TIMESTAMPTZ = 1184

const parseTime = types.getTypeParser(TIMESTAMPTZ) as (text: string) => Date

/** What a value of each type becomes: the one place that says so. */
const PARSERS: Partial<Record<number, (text: string) => unknown>> = {
  /** Counts and durations, all of them below 2^53. */
  [INT8]: Number,
  /** `YYYY-MM-DD` as it is. */
  [DATE]: (text) => text,
  /** ms since 1970, in which Foliot reckons. */
  [TIMESTAMPTZ]: (text) => parseTime(text).valueOf(),
}

// biome-ignore lint/suspicious/noExplicitAny: the driver's own type of a parser
function getTypeParser(oid: number, format?: any): any {
  return (format !== 'binary' && PARSERS[oid]) || types.getTypeParser(oid, format)
}
