import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { NAME } from './postgres-cluster.ts'
import { postgresKind, readPostmasterFile } from './postgres-kind.ts'

/** The address of the PostgreSQL that serves the data in `dir` now, with its password. Undefined if none does. */
export async function postgresUrlOn(dir: string): Promise<string | undefined> {
  const file = await readPostmasterFile(dir)
  if (file?.status !== 'ready' || (await postgresKind.serverOn(dir, file.port)) === undefined) return undefined
  const password = await readFile(join(dir, 'password'), 'utf8')
  return `postgres://${NAME}:${password}@127.0.0.1:${file.port}/${NAME}`
}
