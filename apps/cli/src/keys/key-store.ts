import { type Database, migrate, openDatabase, readAccessRevision, readAccessSnapshot } from '@foliot/history'
import { connectForRequests, defineScripts, projectAccess, untilReady } from '@foliot/queue'
import type { Surroundings } from '../command.ts'

/** PostgreSQL's codes for a table, and a schema, that are not there. */
const MISSING = new Set(['42P01', '3F000'])

const REDIS_WITHIN_MS = 1500

/** Does something with the keys in PostgreSQL, whose tables are made if they are not there. */
export async function withKeys<T>({ env }: Surroundings, work: (db: Database) => Promise<T>): Promise<T> {
  const { FOLIOT_DATABASE_URL: url, FOLIOT_DATABASE_PASSWORD_FILE: passwordFile } = env()
  const db = openDatabase({ url, passwordFile, poolSize: 2, applicationName: 'foliot-cli' })
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

/** Tells every process of a change at once. Without a Redis that answers they hear of it from PostgreSQL within seconds. */
export async function spreadKeys(db: Database, { env, note }: Surroundings): Promise<void> {
  const { FOLIOT_REDIS_URL: url } = env()
  if (url === undefined) return
  const redis = defineScripts(connectForRequests(url))
  // What is wrong is told below.
  redis.on('error', () => undefined)
  try {
    await untilReady(redis, REDIS_WITHIN_MS)
    const snapshot = await readAccessSnapshot(db, Date.now())
    await projectAccess(redis, snapshot.revision, JSON.stringify(snapshot))
  } catch (error) {
    note(`It is done, and an api hears of it from PostgreSQL: Redis could not be told. ${(error as Error).message}`)
  } finally {
    redis.disconnect()
  }
}
