import { randomUUID } from 'node:crypto'
import { askPostgres } from './ask-postgres.ts'
import { atEndOfFile } from './at-end-of-file.ts'
import { offeredPostgres } from './offered-postgres.ts'

/**
 * The URL of an empty database that nobody else gets, on the PostgreSQL that all test files of a run share. It is
 * dropped when the test file ends, whoever is still connected to it. The first call of a run starts the server, which
 * takes a second or two.
 *
 * Tables, advisory locks and notifications are private to a database; roles, settings of the server and its activity
 * are common to all. Tests about those, or about a PostgreSQL that goes away, call `startPostgres`.
 *
 * @throws Error if the server could not be started.
 */
export async function testDatabaseUrl(): Promise<string> {
  const { url: server } = await offeredPostgres()
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await askPostgres(server, `CREATE DATABASE ${name}`)
  atEndOfFile(() => askPostgres(server, `DROP DATABASE ${name} WITH (FORCE)`))
  const url = new URL(server)
  url.pathname = name
  return url.href
}
