import { atEndOfFile, testDatabaseUrl } from '@foliot/testkit'
import { Pool } from 'pg'
import { describe, expect, it } from 'vitest'
import { describeRunOnceStore, newRun, started, untilFree } from './fixtures/contract-suite.ts'
import { createRunOnceTable, postgresRunOnceStore } from './postgres-store.ts'

/** Makes pools on one database with the table. They end with the test file. */
async function openTestPostgres(): Promise<() => Pool> {
  const url = await testDatabaseUrl()
  const connect = () => {
    const pool = new Pool({ connectionString: url, max: 4 })
    atEndOfFile(() => pool.end())
    return pool
  }
  await createRunOnceTable(connect())
  return connect
}

let open: ReturnType<typeof openTestPostgres> | undefined
describeRunOnceStore('postgresRunOnceStore, as any RunOnceStore', async () => {
  open ??= openTestPostgres()
  return postgresRunOnceStore((await open)())
})

describe('postgresRunOnceStore', () => {
  const keysOf = async (pool: Pool) => (await pool.query('select key from foliot_run_once')).rows.map(({ key }) => key)

  it('has one table, however many make it at once', async () => {
    const url = await testDatabaseUrl()
    const pools = Array.from({ length: 5 }, () => new Pool({ connectionString: url }))
    for (const pool of pools) atEndOfFile(() => pool.end())
    await Promise.all(pools.map(createRunOnceTable))
    expect(await keysOf(pools[0] as Pool)).toEqual([])
  })

  it('leaves one row per run, hashed', async () => {
    const pool = (await openTestPostgres())()
    const store = postgresRunOnceStore(pool)
    await started(store, { tenant: "acme'} *", key: 'one' })
    await started(store, { tenant: "acme'} *", key: 'two' })
    expect((await keysOf(pool)).map((key) => key.replace(/[\w-]{43}/g, '#'))).toEqual(
      Array(2).fill('foliot-x:{#}:once:#'),
    )
  })

  it('deletes runs that are forgotten, and no others', async () => {
    const pool = (await openTestPostgres())()
    const store = postgresRunOnceStore(pool)
    const kept = newRun()
    await store.complete(kept, (await started(store, kept)).token, 1)
    const forgotten = Array.from({ length: 150 }, newRun)
    for (const run of forgotten) {
      await store.complete(run, (await started(store, run)).token, 1, { retentionMs: 1 })
    }
    await untilFree(store, forgotten.at(-1) ?? kept)
    const again = newRun()
    for (let n = 0; n < 100; n++) await store.begin(again, { owner: 'a' })
    expect(await keysOf(pool)).toHaveLength(2)
    expect(await store.get(kept)).toMatchObject({ result: 1 })
  })

  it('works on a pool that has parsers of its own', async () => {
    const pool = (await openTestPostgres())()
    const numbers = { getTypeParser: () => (text: string) => (/^\d+$/.test(text) ? Number(text) : text) }
    const store = postgresRunOnceStore({
      query: (text, values) => pool.query({ text, values: values ?? [], types: numbers as never }),
    })
    const run = newRun()
    const { token } = await started(store, run)
    await store.complete(run, token, { receipt: 7 })
    expect(await store.get(run)).toMatchObject({ status: 'completed', result: { receipt: 7 } })
  })
})
