import { FoliotError } from '@foliot/jobs'
import { sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import type { Database } from './database.ts'
import { MIGRATIONS } from './migrations/index.ts'

/**
 * Brings the tables to what this version needs; any number of processes may do so at once.
 *
 * @returns the names of the migrations that this call made.
 * @throws FoliotError `unavailable` if the database does not keep its text as UTF-8, or a later version has migrated it.
 */
export async function migrate(db: Database): Promise<string[]> {
  return runMigrations(db, MIGRATIONS)
}

/** As `migrate`, with a list of the caller's. */
export async function runMigrations(db: Database, migrations: Readonly<Record<string, Migration>>): Promise<string[]> {
  await expectUtf8(db)
  await expectNoneUnknown(db, migrations)
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => ({ ...migrations }) },
    migrationTableSchema: 'foliot',
    migrationTableName: 'migrations',
    migrationLockTableName: 'migrations_lock',
  })
  const { error, results } = await migrator.migrateToLatest()
  if (error) {
    // Another process of a later version may have come in between.
    await expectNoneUnknown(db, migrations)
    throw error
  }
  return (results ?? []).filter(({ status }) => status === 'Success').map(({ migrationName }) => migrationName)
}

async function expectUtf8(db: Database): Promise<void> {
  const { rows } = await sql<{ encoding: string }>`
    select pg_encoding_to_char(encoding) as encoding from pg_database where datname = current_database()`.execute(db)
  const encoding = rows[0]?.encoding
  if (encoding === 'UTF8') return
  throw new FoliotError('unavailable', `expected a database whose encoding is UTF8, got ${encoding}`, {
    hint: "make one with CREATE DATABASE foliot ENCODING 'UTF8' TEMPLATE template0",
  })
}

async function expectNoneUnknown(db: Database, migrations: Readonly<Record<string, Migration>>): Promise<void> {
  const { rows: tables } = await sql<{ there: boolean }>`
    select to_regclass('foliot.migrations') is not null as there`.execute(db)
  if (!tables[0]?.there) return
  const { rows } = await sql<{ name: string }>`select name from foliot.migrations order by name`.execute(db)
  const unknown = rows.map(({ name }) => name).filter((name) => !(name in migrations))
  if (unknown.length === 0) return
  const known = Object.keys(migrations).at(-1)
  throw new FoliotError(
    'unavailable',
    `expected a database migrated up to ${known} at most, got one with ${unknown.join(', ')}: a later version of Foliot made it`,
    { hint: 'run that version or a later one, or give this one another database' },
  )
}
