import { FoliotError, type Schedule, type ScheduleChange } from '@foliot/jobs'
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { timeOf } from '../days.ts'
import { allow } from '../planner.ts'
import { storedText } from '../stored-text.ts'
import { textArray } from '../text-array.ts'
import { changeDefinitions, type DefinitionTransaction } from './change-definitions.ts'
import { countDeleted, countMade } from './definition-counts.ts'
import { behind, fitting, readSchedule, type ScheduleFilter, type ScheduleRef, storedLabels } from './find-schedules.ts'

/** What one change did. Both are undefined if there was nothing before, and nothing was made. */
export interface ChangedSchedule {
  before?: Schedule
  after?: Schedule
  /** What Redis has to know. Undefined if nothing is other than before. */
  change?: ScheduleChange
}

/** So many schedules are changed in one transaction at most: other changes wait until it is over. */
const MOST_AT_ONCE = 2000

/**
 * Makes or changes a schedule.
 *
 * @param make what it is to be, by what it is and the revision of this change; undefined: as it is. It may throw, and then
 *   nothing changes. What it gives is stored under `ref` and the revision, whatever it says of them itself.
 * @throws FoliotError `validation_failed` if it is to use a calendar that there is not; `conflict` if it would be new, and its
 *   tenant has as many as it may.
 */
export function putSchedule(
  db: Database,
  ref: ScheduleRef,
  make: (before: Schedule | undefined, revision: number) => Schedule | undefined,
): Promise<ChangedSchedule> {
  return changeDefinitions(db, async (tx, revision) => {
    const before = await readSchedule(tx, ref)
    const made = make(before, revision)
    const was = before && { before }
    if (!made) return { answer: { ...was, ...(before && { after: before }) }, count: 0 }
    const after = { ...made, ...toRef(ref), revision }
    await expectCalendars(tx, before, after)
    if (!before) await countMade(tx, 'schedules', ref.tenant)
    await write(tx, [after])
    return { answer: { ...was, after, change: changeTo(after) }, count: 1 }
  })
}

/**
 * @param check is asked before, and may throw: then it stays.
 * @param now in ms since 1970: no tick after it is of this schedule.
 * @returns nothing if there is no such schedule.
 */
export function deleteSchedule(
  db: Database,
  ref: ScheduleRef,
  check: (before: Schedule) => void = () => undefined,
  now = Date.now(),
): Promise<Pick<ChangedSchedule, 'before' | 'change'>> {
  return changeDefinitions<Pick<ChangedSchedule, 'before' | 'change'>>(db, async (tx, revision) => {
    const before = await readSchedule(tx, ref)
    if (!before) return { answer: {}, count: 0 }
    check(before)
    const { tenant, id } = ref
    // The clock by which it was changed last may be ahead of this one.
    const at = Math.max(now, before.from)
    await sql`
      update foliot.schedules
      set revision = ${revision}, labels = '{}', calendars = '{}', definition = null, deleted_at = ${timeOf(at)}::timestamptz
      where tenant = ${tenant} and id = ${id}`.execute(tx)
    await countDeleted(tx, 'schedules', tenant)
    const change: ScheduleChange = { kind: 'schedule', tenant, id, revision, at, value: undefined }
    return { answer: { before, change }, count: 1 }
  })
}

/** Some of the schedules that fit, and what was changed of them. */
export interface ChangedSchedules {
  /** Those that are other than before, as they are now. */
  changed: Schedule[]
  changes: ScheduleChange[]
  /** The last one that was looked at, if there may be more behind it. */
  last: ScheduleRef | undefined
}

/**
 * Changes schedules that fit, by tenant and then by id, behind `after`: as many as one transaction takes, all of them or none.
 *
 * @param make what each is to be, as in `putSchedule`; undefined: as it is.
 */
export function changeSchedules(
  db: Database,
  filter: ScheduleFilter,
  make: (before: Schedule, revision: number) => Schedule | undefined,
  after?: ScheduleRef,
): Promise<ChangedSchedules> {
  return changeDefinitions(db, async (tx, first) => {
    // To sort all of them for each part would take longer than the change. Few that have a label are found by its index.
    if (filter.labels === undefined) await allow(tx, 'order')
    const { rows } = await sql<{ definition: string }>`
      select definition from foliot.schedules where ${fitting(filter)}${behind(after)}
      order by tenant, id limit ${MOST_AT_ONCE}`.execute(tx)
    const changed: Schedule[] = []
    let last: ScheduleRef | undefined
    for (const { definition } of rows) {
      const before = JSON.parse(definition) as Schedule
      last = toRef(before)
      const revision = first + changed.length
      const made = make(before, revision)
      if (!made) continue
      const after = { ...made, ...toRef(before), revision }
      await expectCalendars(tx, before, after)
      changed.push(after)
    }
    await write(tx, changed)
    const answer = { changed, changes: changed.map(changeTo), last: rows.length < MOST_AT_ONCE ? undefined : last }
    return { answer, count: changed.length }
  })
}

const toRef = ({ tenant, id }: ScheduleRef): ScheduleRef => ({ tenant, id })

const changeTo = (value: Schedule): ScheduleChange => {
  const { tenant, id, revision, updatedAt: at } = value
  return { kind: 'schedule', tenant, id, revision, at, value }
}

/** None that it did not use before is missing: nobody deletes one meanwhile. */
async function expectCalendars(
  tx: DefinitionTransaction,
  before: Schedule | undefined,
  after: Schedule,
): Promise<void> {
  const used = new Set(calendarsOf(before))
  const names = calendarsOf(after).filter((name) => !used.has(name))
  if (names.length === 0) return
  const { rows } = await sql<{ name: string }>`
    select name from foliot.calendars
    where tenant = ${after.tenant} and name = any (${textArray(names)}::text[]) and deleted_at is null`.execute(tx)
  const there = new Set(rows.map(({ name }) => name))
  const missing = names.filter((name) => !there.has(name))
  if (missing.length === 0) return
  throw new FoliotError(
    'validation_failed',
    `\`calendars\`: expected calendars of tenant ${after.tenant}, got ${missing.join(', ')}`,
    {
      hint: 'make the calendar first: PUT /v1/calendars/{name}',
      errors: missing.map((name) => ({ path: '/calendars', message: `there is no calendar ${name}` })),
    },
  )
}

const calendarsOf = (schedule: Schedule | undefined): string[] => (schedule?.calendars ?? []).map(({ name }) => name)

async function write(tx: DefinitionTransaction, schedules: readonly Schedule[]): Promise<void> {
  if (schedules.length === 0) return
  const texts = (of: (schedule: Schedule) => string): Buffer => textArray(schedules.map(of))
  const times = (of: (schedule: Schedule) => number | undefined): (string | null)[] =>
    schedules.map((schedule) => {
      const ms = of(schedule)
      return ms === undefined ? null : timeOf(ms)
    })
  await sql`
    insert into foliot.schedules (
      tenant, id, revision, type, paused, paused_until, labels, calendars, definition, created_at, updated_at
    )
    select tenant, id, revision, type, paused, paused_until, labels::jsonb,
      array(select jsonb_array_elements_text(calendars::jsonb)), definition, created_at, updated_at
    from unnest(
      ${texts(({ tenant }) => tenant)}::text[], ${texts(({ id }) => id)}::text[],
      ${schedules.map(({ revision }) => revision)}::bigint[], ${texts(({ type }) => storedText(type))}::text[],
      ${schedules.map(({ paused }) => paused)}::boolean[], ${times(({ pausedUntil }) => pausedUntil)}::timestamptz[],
      ${texts(({ labels }) => storedLabels(labels))}::text[],
      ${texts((schedule) => JSON.stringify(calendarsOf(schedule)))}::text[],
      ${texts((schedule) => JSON.stringify(schedule))}::text[], ${times(({ createdAt }) => createdAt)}::timestamptz[],
      ${times(({ updatedAt }) => updatedAt)}::timestamptz[]
    ) as sent (
      tenant, id, revision, type, paused, paused_until, labels, calendars, definition, created_at, updated_at
    )
    on conflict (tenant, id) do update set
      revision = excluded.revision, type = excluded.type, paused = excluded.paused,
      paused_until = excluded.paused_until, labels = excluded.labels, calendars = excluded.calendars,
      definition = excluded.definition, created_at = excluded.created_at, updated_at = excluded.updated_at,
      deleted_at = null`.execute(tx)
}
