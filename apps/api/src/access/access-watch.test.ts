import { KeyRing, parseApiKeys } from '@foliot/access'
import { createApiKey, type Database, openDatabase } from '@foliot/history'
import { connectForLoops, defineScripts, projectAccess } from '@foliot/queue'
import { createLogger } from '@foliot/telemetry'
import { atEndOfFile, testRedisUrl, waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { databaseWithTables } from '../fixtures/access-bed.ts'
import { AccessWatch } from './access-watch.ts'

const NOW = Date.now()
const NO_KEYS = { hasKeys: false, hasOwnKeys: false, ownKeysSince: null, keys: [], tenants: [] }

/** A Redis that knows of no key, in a copy of this revision, and a PostgreSQL with one that is this old. */
async function openBed({ copied, madeAt }: { copied: number; madeAt: number }) {
  const redis = defineScripts(connectForLoops(await testRedisUrl()))
  await projectAccess(redis, copied, JSON.stringify({ revision: copied, ...NO_KEYS }))
  const db = openDatabase({ url: await databaseWithTables() })
  const digest = '0'.repeat(64)
  const key = { name: 'a', digest, tenant: null, scopes: ['admin' as const], createdBy: 'test', expiresAt: null }
  await createApiKey(db, key, madeAt)
  const access = new KeyRing({ own: parseApiKeys(''), isLocal: true, now: () => NOW })
  const log = createLogger({ app: 'api', level: 'fatal' })
  const watch = new AccessWatch({ access, redis, db, log })
  atEndOfFile(async () => {
    await watch.stop()
    redis.disconnect()
    await db.destroy()
  })
  return { access, watch, db }
}

/** Whoever asks PostgreSQL for keys waits until this is disposed of. */
async function holdKeys(db: Database): Promise<AsyncDisposable> {
  const [held, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const holding = db.transaction().execute(async (tx) => {
    // A change of a table lets nobody read it until it is done.
    await tx.schema.alterTable('foliot.access_revision').addColumn('held', 'boolean').execute()
    held.resolve()
    await release.promise
  })
  await Promise.race([held.promise, holding])
  return {
    async [Symbol.asyncDispose]() {
      release.resolve()
      await holding
    },
  }
}

describe('an api on this machine', () => {
  it.each([0, 5])(
    'is not opened by what Redis had before, of revision %i, while PostgreSQL is asked',
    async (copied) => {
      const { access, watch, db } = await openBed({ copied, madeAt: NOW - 1 })
      const hold = await holdKeys(db)
      const looking = watch.firstLook()
      await waitUntil(() => watch.hasCopy)
      expect([access.snapshot.revision, access.isSettled]).toEqual([copied, false])
      await hold[Symbol.asyncDispose]()
      await looking
      await waitUntil(() => access.isSettled)
      expect(access.isOpen).toBe(false)
    },
  )

  it('is opened by what Redis had while PostgreSQL takes too long, and closed by the key that it hears of then', async () => {
    const { access, watch, db } = await openBed({ copied: 5, madeAt: NOW - 1 })
    const hold = await holdKeys(db)
    await watch.start()
    expect([access.isSettled, access.isOpen]).toEqual([true, true])
    await hold[Symbol.asyncDispose]()
    await waitUntil(() => !access.isOpen)
    expect(access.hasKeys).toBe(true)
  })

  it('stays open if that key was made after the start', async () => {
    const { access, watch, db } = await openBed({ copied: 5, madeAt: NOW + 1 })
    const hold = await holdKeys(db)
    await watch.start()
    await hold[Symbol.asyncDispose]()
    await waitUntil(() => access.hasKeys)
    expect(access.isOpen).toBe(true)
  })
})
