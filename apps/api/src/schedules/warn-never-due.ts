import { setImmediate as soon } from 'node:timers/promises'
import { FoliotError, type Schedule, type StoredCalendar } from '@foliot/jobs'
import { type Calendar, nextTick } from '@foliot/schedules'
import type { ScheduleStore } from './schedule-store.ts'
import { ruleOf } from './to-schedule.ts'

/** So many of the schedules that use a calendar are looked at: one that is never due takes some milliseconds. */
const LOOKED_AT = 200
/** How many are named. */
const NAMED = 10

/**
 * What to tell of schedules that use a calendar, as it is now, and are never due any more. Those that are over whatever the calendars
 * say are none of them.
 */
export async function warnOfNeverDue(
  { tenant, name }: Pick<StoredCalendar, 'tenant' | 'name'>,
  store: ScheduleStore,
  most = LOOKED_AT,
): Promise<string[]> {
  const { schedules, more } = await store.list({ tenant, calendar: name }, most)
  const names = schedules.flatMap(({ calendars = [] }) => calendars.map((used) => used.name))
  const calendars = await store.calendars(tenant, names)
  const now = Date.now()
  const never: string[] = []
  for (const schedule of schedules) {
    // Others are served in between.
    await soon()
    if (!isDue(schedule, calendars, now) && isDue(withoutCalendars(schedule), calendars, now)) never.push(schedule.id)
  }
  const others = never.length > NAMED ? ` and ${never.length - NAMED} others` : ''
  return [
    ...(never.length > 0
      ? [`Never due any more with this calendar: ${never.slice(0, NAMED).join(', ')}${others}.`]
      : []),
    ...(more ? [`More than ${most} schedules use this calendar: only the first ${most} by id were looked at.`] : []),
  ]
}

const withoutCalendars = ({ calendars, ...schedule }: Schedule): Schedule => schedule

/** At some time from now on. */
function isDue(schedule: Schedule, calendars: ReadonlyMap<string, Calendar>, nowMs: number): boolean {
  try {
    return nextTick(ruleOf(schedule, calendars), nowMs) !== undefined
  } catch (error) {
    if (error instanceof FoliotError) return false
    throw error
  }
}
