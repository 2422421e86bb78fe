import {
  type Database,
  deleteSchedule,
  migrate,
  openDatabase,
  putCalendar,
  putSchedule,
  readSchedulesRevision,
} from '@foliot/history'
import type { Schedule } from '@foliot/jobs'
import {
  connectForLoops,
  defineScripts,
  parseProjected,
  projectedSchedulesRevision,
  readCalendars,
  readProjected,
  readSlot,
  SLOTS,
  sayProjected,
} from '@foliot/queue'
import { askPostgres, atEndOfFile, startPostgres, testDatabaseUrl, testRedisUrl, waitUntil } from '@foliot/testkit'
import { expect, it } from 'vitest'
import { DefinitionsSync } from './definitions-sync.ts'

interface Bed {
  redis: ReturnType<typeof defineScripts>
  databaseUrl: string
  db: Database
  /** What was logged: text, level and fields. */
  lines: { level: string; text: string; fields: object }[]
  /** Whether it is its turn, and how often it asked. */
  turn: { isMine: boolean; asked: number; onAsk?: () => void }
  sync: DefinitionsSync
  put(id: string, other?: Partial<Schedule>): Promise<Schedule>
  /** How Redis has a schedule. */
  projected(id: string): Promise<Schedule | undefined>
}

async function openBed(options: { databaseUrl?: string; isMigrated?: boolean } = {}): Promise<Bed> {
  const databaseUrl = options.databaseUrl ?? (await testDatabaseUrl())
  const redis = defineScripts(connectForLoops(await testRedisUrl()))
  const db = openDatabase({ url: databaseUrl })
  if (options.isMigrated ?? true) await migrate(db)
  const turn: Bed['turn'] = { isMine: true, asked: 0 }
  const lines: Bed['lines'] = []
  const to =
    (level: string) =>
    (...[first, second]: [string] | [object, string]): void =>
      void lines.push(
        typeof first === 'string'
          ? { level, text: first, fields: {} }
          : { level, text: second as string, fields: first },
      )
  const isMine = () => {
    turn.asked++
    turn.onAsk?.()
    return turn.isMine
  }
  const log = { info: to('info'), warn: to('warn'), error: to('error') }
  const sync = new DefinitionsSync({ redis, db, log, isMine })
  atEndOfFile(async () => {
    await sync.stop()
    redis.disconnect()
    await db.destroy()
  })
  return {
    redis,
    databaseUrl,
    db,
    lines,
    turn,
    sync,
    async put(id, other = {}) {
      const { after } = await putSchedule(db, { tenant: 't', id }, () => ({ ...SCHEDULE, ...other }))
      return after as Schedule
    },
    async projected(id) {
      const [text] = await readProjected(redis, [`t/${id}`])
      return text === undefined ? undefined : parseProjected(`t/${id}`, text).current
    },
  }
}

const SCHEDULE: Schedule = {
  id: '',
  tenant: '',
  revision: 0,
  type: 'demo.echo',
  inputText: 'null',
  everyMs: 1000,
  anchor: 0,
  timezone: 'UTC',
  jitterMs: 0,
  misfire: 'fire_once',
  lateAfterMs: 30_000,
  maxCatchUp: 100,
  overlap: 'skip',
  paused: false,
  labels: {},
  jobOptions: {},
  createdAt: 1000,
  updatedAt: 2000,
  from: 2000,
}

const untilProjected = ({ redis }: Bed, revision: number | undefined): Promise<unknown> =>
  waitUntil(async () => (await projectedSchedulesRevision(redis)) === revision, {
    timeoutMs: 20_000,
    what: `revision ${revision} in Redis`,
  })

it('takes over what PostgreSQL has, and each change that nobody else projected', async () => {
  const bed = await openBed()
  const calendar = { name: '', tenant: '', revision: 0, timezone: 'UTC', dates: ['12-25'], windows: [] }
  const holidays = await putCalendar(bed.db, { tenant: 't', name: 'holidays' }, () => ({
    ...calendar,
    createdAt: 1000,
    updatedAt: 1000,
  }))
  const a = await bed.put('a')
  const b = await bed.put('b')
  await bed.sync.start()
  await untilProjected(bed, b.revision)
  expect([await bed.projected('a'), await bed.projected('b')]).toEqual([a, b])
  expect([...(await readCalendars(bed.redis)).values()]).toEqual([holidays.after])

  const later = await bed.put('a', { everyMs: 5000, from: 3000 })
  const { change } = await deleteSchedule(bed.db, { tenant: 't', id: 'b' })
  await untilProjected(bed, change?.revision)
  expect([await bed.projected('a'), await bed.projected('b')]).toEqual([later, undefined])
})

it('gives Redis back what it lost, also what it loses meanwhile', async () => {
  const bed = await openBed()
  const COUNT = 4000
  await bed.put('s0')
  await askPostgres(
    bed.databaseUrl,
    `insert into foliot.schedules (tenant, id, revision, type, paused, labels, calendars, definition, created_at, updated_at)
    select tenant, 's' || n, revision - ${COUNT} + n, type, paused, labels, calendars, definition, created_at, updated_at
    from foliot.schedules, generate_series(1, ${COUNT - 1}) as n`,
  )
  const revision = await readSchedulesRevision(bed.db)
  // It asks before it writes a page: the first two are lost.
  bed.turn.onAsk = () => void (bed.turn.asked === 4 && bed.redis.flushdb())
  await bed.sync.start()
  await untilProjected(bed, revision)
  expect(await countSchedules(bed)).toBe(COUNT)

  await bed.redis.flushdb()
  await untilProjected(bed, revision)
  expect(await countSchedules(bed)).toBe(COUNT)
})

it('takes over large ones', async () => {
  const bed = await openBed()
  const inputText = JSON.stringify('x'.repeat(64 * 1024 - 2))
  const put = await Promise.all(Array.from({ length: 12 }, (_, i) => bed.put(`s${i}`, { inputText })))
  await bed.sync.start()
  await untilProjected(bed, await readSchedulesRevision(bed.db))
  for (const schedule of put) expect(await bed.projected(schedule.id)).toEqual(schedule)
})

it('says that there is nothing where there is nothing', async () => {
  const bed = await openBed()
  await bed.sync.start()
  await untilProjected(bed, 0)
})

it('does nothing while it is not its turn', async () => {
  const bed = await openBed()
  bed.turn.isMine = false
  const { revision } = await bed.put('a')
  await bed.sync.start()
  await waitUntil(() => bed.turn.asked >= 3)
  expect(await projectedSchedulesRevision(bed.redis)).toBeUndefined()
  bed.turn.isMine = true
  await untilProjected(bed, revision)
})

it('waits without complaint for the tables, which a recorder makes', async () => {
  const bed = await openBed({ isMigrated: false })
  await bed.sync.start()
  await waitUntil(() => bed.turn.asked >= 3)
  await migrate(bed.db)
  const { revision } = await bed.put('a')
  await untilProjected(bed, revision)
  expect(bed.lines.filter(({ level }) => level !== 'info')).toEqual([])
})

it('says once that PostgreSQL is away, and once that it is back', async () => {
  const server = await startPostgres()
  const bed = await openBed({ databaseUrl: server.url })
  const { revision } = await bed.put('a')
  await bed.sync.start()
  await untilProjected(bed, revision)
  await server.kill()
  await waitUntil(() => bed.sync.trouble !== undefined)
  const { asked } = bed.turn
  await waitUntil(() => bed.turn.asked >= asked + 2)
  await startPostgres({ dir: server.dir, port: server.port })
  await waitUntil(() => bed.sync.trouble === undefined, { timeoutMs: 20_000 })
  const later = await bed.put('b')
  await untilProjected(bed, later.revision)
  const told = bed.lines.map(({ text }) => text)
  expect(told.filter((text) => text.includes('schedules that are known go on firing; edits wait'))).toHaveLength(1)
  expect(told.filter((text) => text.startsWith('PostgreSQL is back'))).toHaveLength(1)
  expect(bed.lines.filter(({ level }) => level === 'error')).toHaveLength(1)
})

it('says once that Redis has later definitions than PostgreSQL, and leaves them', async () => {
  const bed = await openBed()
  const { revision } = await bed.put('a')
  await sayProjected(bed.redis, revision + 1_000_000)
  await bed.sync.start()
  await waitUntil(() => bed.turn.asked >= 3)
  const { fields } = bed.lines[0] ?? {}
  expect(fields).toEqual({ projected: revision + 1_000_000, revision })
  expect(bed.lines).toHaveLength(1)
  expect(await projectedSchedulesRevision(bed.redis)).toBe(revision + 1_000_000)
})

async function countSchedules({ redis }: Bed): Promise<number> {
  let count = 0
  for (let slot = 0; slot < SLOTS; slot++) for await (const page of readSlot(redis, slot)) count += page.length
  return count
}
