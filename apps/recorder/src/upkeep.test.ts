import { createApiKey, listApiKeys, migrate, openDatabase } from '@foliot/history'
import { createLogger } from '@foliot/telemetry'
import { atEndOfFile, testDatabaseUrl } from '@foliot/testkit'
import { expect, it } from 'vitest'
import { Upkeep } from './upkeep.ts'

const DAY_MS = 24 * 60 * 60 * 1000

it('drops keys that ended longer ago than the audit is kept', async () => {
  const db = openDatabase({ url: await testDatabaseUrl() })
  atEndOfFile(() => db.destroy())
  await migrate(db)
  const now = Date.now()
  const create = (name: string, digit: string, endedDaysAgo: number) => {
    const expiresAt = now - endedDaysAgo * DAY_MS
    const key = {
      name,
      digest: digit.repeat(64),
      tenant: null,
      scopes: ['read' as const],
      createdBy: 'test',
      expiresAt,
    }
    return createApiKey(db, key, expiresAt - DAY_MS)
  }
  await create('the first', '0', 100)
  await create('long ended', '1', 31)
  await create('ended', '2', 29)

  const log = createLogger({ app: 'recorder', level: 'fatal' })
  const upkeep = new Upkeep({ db, retention: { keepDays: 30, keepDeadLettersDays: 365 }, keepAuditDays: 30, log })
  await upkeep.seeTo()
  await upkeep.stop()
  expect((await listApiKeys(db, undefined, 10)).keys.map(({ name }) => name)).toEqual(['ended', 'the first'])
})
