/** What becomes of ticks that could not fire in time, because no scheduler ran for example. */
export const MISFIRES = ['skip', 'fire_once', 'fire_all'] as const
export type MisfirePolicy = (typeof MISFIRES)[number]

/** What becomes of a tick while a job of an earlier one has not ended. */
export const OVERLAPS = ['allow', 'skip', 'queue_one', 'queue_all', 'cancel_running'] as const
export type OverlapPolicy = (typeof OVERLAPS)[number]

/** What becomes of the job of a tick that no worker took within `startWithinMs`. */
export const LATE_STARTS = ['cancel', 'fail'] as const
export type LateStart = (typeof LATE_STARTS)[number]

/** A schedule as it is stored. Instants are milliseconds since 1970; what is left out does not hold. */
export interface Schedule {
  /** Unique within its tenant. */
  readonly id: string
  readonly tenant: string
  /** Grows with every change of any schedule. */
  readonly revision: number
  /** The job type. */
  readonly type: string
  /** The input of each job, as JSON text. */
  readonly inputText: string
  /** Exactly one of `cron`, `everyMs` and `at`. */
  readonly cron?: string
  readonly everyMs?: number
  readonly at?: number
  /** An instant at which `everyMs` is due. */
  readonly anchor?: number
  readonly timezone: string
  readonly startAt?: number
  readonly endAt?: number
  readonly jitterMs: number
  readonly misfire: MisfirePolicy
  readonly lateAfterMs: number
  readonly maxCatchUp: number
  readonly overlap: OverlapPolicy
  readonly dst?: { readonly repeated?: 'first' | 'last' | 'both'; readonly missing?: 'shift' | 'skip' }
  readonly calendars?: readonly { readonly name: string; readonly mode: 'exclude' | 'shift' }[]
  readonly startWithinMs?: number
  /** With `startWithinMs`. */
  readonly lateStart?: LateStart
  readonly expectWithinMs?: number
  readonly finishWithinMs?: number
  readonly paused: boolean
  readonly pausedReason?: string
  /** When it is resumed by itself. */
  readonly pausedUntil?: number
  readonly labels: Readonly<Record<string, string>>
  readonly jobOptions: ScheduledJobOptions
  readonly createdAt: number
  readonly updatedAt: number
  /** Ticks due up to here are the concern of what it was before, or of nobody: when it came to be as it is. */
  readonly from: number
}

/** What is other than the type says for the jobs of a schedule. */
export interface ScheduledJobOptions {
  readonly priority?: number
  readonly attempts?: number
  readonly timeoutMs?: number
  readonly deadlineMs?: number
}

/** What became of ticks that made no job. */
export const TICK_OUTCOMES = ['skipped', 'missed'] as const
export type TickOutcome = (typeof TICK_OUTCOMES)[number]

/** A tick without a job, or several that follow each other, as they are recorded. Instants are milliseconds since 1970. */
export interface UnfiredTick {
  readonly tenant: string
  readonly scheduleId: string
  /** When it was planned; of several, the first. */
  readonly scheduledFor: number
  /** Of several, the last. */
  readonly until: number
  /** How many, `null` if they were too many to count. */
  readonly count: number | null
  /** `missed`: nobody fired it in time, and the policy is not to make it up. `skipped`: for any other reason. */
  readonly outcome: TickOutcome
  /** One line for people. */
  readonly reason: string
  readonly decidedAt: number
}

/** A calendar as it is stored: a named set of times that schedules keep away from. Instants are milliseconds since 1970. */
export interface StoredCalendar {
  /** Unique within its tenant. */
  readonly name: string
  readonly tenant: string
  /** Grows with every change of any schedule or calendar. */
  readonly revision: number
  readonly timezone: string
  /** Whole days: `2027-12-25`, or `12-25` for that day of every year. */
  readonly dates: readonly string[]
  readonly windows: readonly StoredWindow[]
  readonly createdAt: number
  readonly updatedAt: number
}

/** A part of the day, in some days of every week. Times are `HH:MM`; what is left out is the beginning, and the end, of the day. */
export interface StoredWindow {
  readonly days: readonly ('sun' | 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat')[]
  readonly from?: string
  readonly to?: string
}

/** What became of a schedule or a calendar, for whoever keeps a copy of them. */
export type ScheduleChange =
  | (ChangeOf & {
      readonly kind: 'schedule'
      /** Undefined if it was deleted. */
      readonly value: Schedule | undefined
    })
  | (ChangeOf & {
      readonly kind: 'calendar'
      /** Undefined if it was deleted. */
      readonly value: StoredCalendar | undefined
    })

interface ChangeOf {
  readonly tenant: string
  /** Of a calendar, its name. */
  readonly id: string
  /** A greater one is a later change. */
  readonly revision: number
  /** When it was changed, in milliseconds since 1970. A schedule that was deleted has no ticks after it. */
  readonly at: number
}

const SCHEDULE_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/

export const isScheduleId = (id: string): boolean => SCHEDULE_ID.test(id)

/** Tells schedules apart across tenants: in Redis, and for jitter. No tenant's name has a slash. */
export const scheduleKey = ({ tenant, id }: Pick<Schedule, 'tenant' | 'id'>): string => `${tenant}/${id}`

/** Whose key it is. */
export function scheduleOfKey(key: string): Pick<Schedule, 'tenant' | 'id'> {
  const slash = key.indexOf('/')
  return { tenant: key.slice(0, slash), id: key.slice(slash + 1) }
}
