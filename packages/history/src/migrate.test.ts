import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { opened, openTestDatabase } from './fixtures/test-database.ts'
import { migrate, runMigrations } from './migrate.ts'
import { MIGRATIONS } from './migrations/index.ts'

const later = { up: async () => undefined }

it('makes each migration once, however many processes migrate at once', async () => {
  const { db, url } = await openTestDatabase()
  expect(await migrate(db)).toEqual([])
  await sql`drop schema foliot cascade`.execute(db)
  const made = await Promise.all([db, opened(url), opened(url), opened(url)].map(migrate))
  expect(made.flat()).toEqual(Object.keys(MIGRATIONS))
})

it('leaves a database alone that a later version has migrated', async () => {
  const { db } = await openTestDatabase()
  await runMigrations(db, { ...MIGRATIONS, '9999-later': later })
  await expect(migrate(db)).rejects.toThrow('got one with 9999-later: a later version of Foliot made it')
})

it('undoes a migration that failed, and tells why', async () => {
  const { db } = await openTestDatabase()
  const broken = {
    up: async () => {
      await sql`create table foliot.half (id integer)`.execute(db)
      throw new Error('out of luck')
    },
  }
  await expect(runMigrations(db, { ...MIGRATIONS, '9999-broken': broken })).rejects.toThrow('out of luck')
  expect(await migrate(db)).toEqual([])
})
