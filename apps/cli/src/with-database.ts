import { type Database, isMissingTable, migrate, openDatabase, readAccessRevision } from '@foliot/history'
import type { Surroundings } from './command.ts'

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
    await readAccessRevision(db).catch((error: unknown) => {
      if (!isMissingTable(error)) throw error
      return migrate(db)
    })
    return await work(db)
  } finally {
    await db.destroy()
  }
}
