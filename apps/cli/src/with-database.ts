import { type Database, migrate, openDatabase, readAccessRevision } from '@foliot/history'
import type { Surroundings } from './command.ts'

/** PostgreSQL's codes for a table, and a schema, that are not there. */
const MISSING = new Set(['42P01', '3F000'])

/** No statement of a command takes longer, in milliseconds. Dropping the jobs of a day takes longer than a batch may. */
const STATEMENT_MS = 300_000

/** Does something with PostgreSQL, whose tables are made if they are not there. */
export async function withDatabase<T>({ env }: Surroundings, work: (db: Database) => Promise<T>): Promise<T> {
  const { FOLIOT_DATABASE_URL: url, FOLIOT_DATABASE_PASSWORD_FILE: passwordFile } = env()
  const db = openDatabase({
    url,
    passwordFile,
    poolSize: 2,
    statementTimeoutMs: STATEMENT_MS,
    queryTimeoutMs: STATEMENT_MS + 10_000,
    applicationName: 'foliot-cli',
  })
  try {
    await readAccessRevision(db).catch((error: { code?: string }) => {
      if (!MISSING.has(error.code ?? '')) throw error
      return migrate(db)
    })
    return await work(db)
  } finally {
    await db.destroy()
  }
}
