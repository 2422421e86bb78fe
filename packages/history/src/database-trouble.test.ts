import { readFile } from 'node:fs/promises'
import { newJobId } from '@foliot/jobs'
import { startPostgres, waitUntil } from '@foliot/testkit'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import type { Database } from './database.ts'
import { databaseTroubleOf, isDatabaseTrouble } from './database-trouble.ts'
import { opened } from './fixtures/test-database.ts'
import { finished, NOON } from './fixtures/test-jobs.ts'
import { migrate } from './migrate.ts'
import { readJob } from './read-job.ts'
import { recordJobs } from './record-jobs.ts'
import { searchJobs } from './search-jobs.ts'

const troubleWith = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (error: unknown) => databaseTroubleOf(error) ?? error,
  )

/** All that the package does with a database, of which each meets its trouble by itself. */
const everything = (db: Database) => [
  troubleWith(recordJobs(db, [finished()])),
  troubleWith(readJob(db, newJobId(NOON))),
  troubleWith(searchJobs(db, {}, 10)),
]

const ping = (db: Database) => sql`select 1`.execute(db)

/** Signals a server and the processes that serve its connections. */
async function signalAll(pid: number, signal: NodeJS.Signals): Promise<void> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  for (const each of [pid, ...children.split(' ').filter(Boolean).map(Number)]) process.kill(each, signal)
}

describe('a server of its own', () => {
  it('that hangs is given up, and used again once it goes on', async () => {
    const server = await startPostgres()
    const db = opened(server.url, { poolSize: 3, queryTimeoutMs: 500, connectTimeoutMs: 2000 })
    const patient = opened(server.url)
    await migrate(patient)
    // Three connections that stand, so that each of the following finds one.
    await Promise.all([ping(db), ping(db), ping(db)])
    await signalAll(server.pid, 'SIGSTOP')
    try {
      expect(await Promise.all(everything(db))).toEqual(['silent', 'silent', 'silent'])
      // Now there is none left, and none can be made.
      expect(await Promise.all(everything(db))).toEqual(['silent', 'silent', 'silent'])
    } finally {
      await signalAll(server.pid, 'SIGCONT')
    }
    await waitUntil(async () => (await Promise.all(everything(db))).every((trouble) => trouble === 'none'))
  })

  it('that goes and comes back is found again by the same pool', async () => {
    const first = await startPostgres()
    const db = opened(first.url, { connectTimeoutMs: 2000 })
    await migrate(db)
    const one = finished()
    await recordJobs(db, [one])
    const underWay = troubleWith(sql`select pg_sleep(60)`.execute(db))
    await waitUntil(async () => {
      const { rows } = await sql`select from pg_stat_activity where query like '%pg_sleep(60)%' and state = 'active'
        and pid <> pg_backend_pid()`.execute(db)
      return rows.length > 0
    })
    await first.kill()
    expect(await underWay).toBe('away')
    expect(await Promise.all(everything(db))).toEqual(['away', 'away', 'away'])
    const again = await startPostgres({ dir: first.dir, port: first.port })
    expect(JSON.parse((await readJob(db, one.job.id)) ?? '')).toEqual(one.job)
    await again.stop()
    expect(await Promise.all(everything(db))).toEqual(['away', 'away', 'away'])
  })

  it('that may only be read is read', async () => {
    const server = await startPostgres()
    const db = opened(server.url)
    await migrate(db)
    await sql`alter system set default_transaction_read_only = on`.execute(db)
    await sql`select pg_reload_conf()`.execute(db)
    const isReadOnly = async () => {
      const { rows } = await sql<{ value: string }>`
        select current_setting('default_transaction_read_only') as value`.execute(db)
      return rows[0]?.value === 'on'
    }
    await waitUntil(isReadOnly)
    expect(await Promise.all(everything(db))).toEqual(['read_only', 'none', 'none'])
  })

  it('that has no connection left, refuses the password, or has no such database', async () => {
    const server = await startPostgres({
      args: ['-c', 'max_connections=4', '-c', 'superuser_reserved_connections=0', '-c', 'reserved_connections=0'],
    })
    const wrong = new URL(server.url)
    wrong.password = 'wrong'
    expect(await troubleWith(ping(opened(wrong.href)))).toBe('refused')
    const nowhere = new URL(server.url)
    nowhere.pathname = 'nowhere'
    expect(await troubleWith(ping(opened(nowhere.href)))).toBe('refused')
    const db = opened(server.url)
    expect(await Promise.all(Array.from({ length: 6 }, () => troubleWith(ping(db))))).toContain('full')
  })
})

describe('databaseTroubleOf', () => {
  it('takes statements that run too long for a server that does not answer', async () => {
    const server = await startPostgres()
    const db = opened(server.url, { statementTimeoutMs: 50 })
    expect(await troubleWith(sql`select pg_sleep(60)`.execute(db))).toBe('silent')
  })

  it('takes no mistake of ours for trouble', async () => {
    const server = await startPostgres()
    const db = opened(server.url)
    for (const statement of ['select 1/0', 'selec', 'select * from nowhere', "select 'x'::uuid"]) {
      expect(await troubleWith(sql.raw(statement).execute(db))).toBeInstanceOf(Error)
    }
    for (const error of [new TypeError('x'), 'ECONNREFUSED', undefined, null])
      expect(isDatabaseTrouble(error)).toBe(false)
  })

  it('looks at the reasons of an error, even if they go round in circles', () => {
    const reason = Object.assign(new Error('x'), { code: '25006' })
    expect(databaseTroubleOf(new Error('y', { cause: reason }))).toBe('read_only')
    const round = new Error('x')
    round.cause = new Error('y', { cause: round })
    expect(databaseTroubleOf(round)).toBeUndefined()
  })
})
