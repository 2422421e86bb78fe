import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder, testDatabaseUrl } from '@foliot/testkit'
import { sql } from 'kysely'
import { Client } from 'pg'
import { expect, it } from 'vitest'
import { databaseTroubleOf } from './database-trouble.ts'
import { opened } from './fixtures/test-database.ts'

const MANY = sql`select 9007199254740991::bigint as int8, '2026-03-01 12:00:00.123+02'::timestamptz as at,
  '2026-03-01'::date as day, null::bigint as none, 'infinity'::timestamptz as never, array['a']::text[] as texts`

it('gives numbers, times in ms and days as text, by its own connections alone', async () => {
  const url = await testDatabaseUrl()
  const { rows } = await MANY.execute(opened(url))
  expect(rows).toEqual([
    {
      int8: Number.MAX_SAFE_INTEGER,
      at: Date.UTC(2026, 2, 1, 10, 0, 0, 123),
      day: '2026-03-01',
      none: null,
      never: Number.POSITIVE_INFINITY,
      texts: ['a'],
    },
  ])
  const plain = new Client(url)
  await plain.connect()
  const others = await plain.query('select 1::bigint as n, now() as at')
  await plain.end()
  expect(others.rows).toEqual([{ n: '1', at: expect.any(Date) }])
})

it('tells the server its name and its limits, and takes no more connections than it may', async () => {
  const db = opened(await testDatabaseUrl(), { poolSize: 2, statementTimeoutMs: 1234, applicationName: 'a test' })
  const setting = (name: string) => sql<{ value: string }>`select current_setting(${name}) as value`.execute(db)
  const settings = await Promise.all(['statement_timeout', 'application_name', 'TimeZone', 'jit'].map(setting))
  expect(settings.map(({ rows }) => rows[0]?.value)).toEqual(['1234ms', 'a test', 'UTC', 'off'])
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from pg_stat_activity where application_name = 'a test' and datname = current_database()`.execute(
    db,
  )
  expect(rows).toEqual([{ n: 2 }])
})

it('is no work before the first query: a server that is away is no error', async () => {
  const db = opened('postgres://nobody@127.0.0.1:1/nothing')
  await expect(sql`select 1`.execute(db)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

it('reads the password from a file, anew for each connection', async () => {
  const url = new URL(await testDatabaseUrl())
  const { password } = url
  url.password = ''
  const passwordFile = join(await temporaryFolder(), 'password')
  const db = opened(url.href, { passwordFile })
  const ask = () => sql`select 1`.execute(db)
  await expect(ask()).rejects.toSatisfy((error) => databaseTroubleOf(error) === 'refused')
  await writeFile(passwordFile, 'wrong')
  await expect(ask()).rejects.toMatchObject({ code: '28P01' })
  await writeFile(passwordFile, `${decodeURIComponent(password)}\n`)
  expect((await ask()).rows).toHaveLength(1)
})
