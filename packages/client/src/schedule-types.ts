/**
 * Schedules and calendars in the words of the api. Times that come back are RFC 3339, UTC; those that are sent may be dates, or
 * RFC 3339 with any offset. What each means, and its default, stands in docs/schedules.md.
 */
import type {
  AnyJobDefinition,
  JobStatus,
  LateStart,
  MisfirePolicy,
  OverlapPolicy,
  Schedule,
  ScheduledJobOptions,
  StoredCalendar,
  StoredWindow,
} from '@foliot/jobs'
import type { InputOf } from './job-request.ts'

/** Text is RFC 3339. */
export type Time = Date | string

/** When a schedule is due: exactly one of `cron`, `everyMs` and `at`. */
export interface ScheduleRule {
  /** 5, 6 (seconds first) or 7 (years last) fields, or a nickname like `@daily`. */
  cron?: string | undefined
  /** Even steps of elapsed time, from 1000 ms to ten years. */
  everyMs?: number | undefined
  /** Once. */
  at?: Time | undefined
  /** The IANA name of the zone that `cron` is read in. Default `UTC`. */
  timezone?: string | undefined
  /** Nothing is planned before. */
  startAt?: Time | undefined
  /** Nothing is planned then or later. */
  endAt?: Time | undefined
  /** Each tick is due up to so much later, always the same for the same tick. Default 0. */
  jitterMs?: number | undefined
  /** Of local times that come twice, and of those that the clocks leap over. Default: by what the expression means. */
  dst?: Schedule['dst'] | undefined
}

/** A calendar that a rule keeps away from: a tick in it is skipped (`exclude`, the default) or moved behind it (`shift`). */
export type CalendarUse = string | { name: string; mode?: 'exclude' | 'shift' | undefined }

/** A schedule as a whole: what is left out is as by default. The api checks all of it. */
export interface ScheduleRequest<Type extends AnyJobDefinition | string = AnyJobDefinition | string>
  extends ScheduleRule {
  /** The job type: its definition or its name. One that no worker has announced yet is taken, with a warning. */
  type: Type | NameOf<Type>
  /** Of each job. */
  input: InputOf<Type>
  calendars?: readonly CalendarUse[] | undefined
  /** What becomes of late ticks. Default `fire_once`. */
  misfire?: MisfirePolicy | undefined
  /** How long after it was due a tick is late, in milliseconds. Default 30 000. */
  lateAfterMs?: number | undefined
  /** How many late ticks `fire_all` makes up. Default 100. */
  maxCatchUp?: number | undefined
  /** What becomes of a tick while the job of an earlier one has not ended. Default `skip`. */
  overlap?: OverlapPolicy | undefined
  /** A job that no worker takes in this time is ended as `lateStart` says. */
  startWithinMs?: number | undefined
  /** Default `cancel`. */
  lateStart?: LateStart | undefined
  /** `GET /v1/watch` tells of a tick whose job has not started so long after it was due. */
  expectWithinMs?: number | undefined
  /** `GET /v1/watch` tells of a job that has not ended so long after its tick was due. */
  finishWithinMs?: number | undefined
  paused?: boolean | undefined
  pausedReason?: string | undefined
  /** When the pause ends by itself. */
  pausedUntil?: Time | undefined
  /** Of the schedule, and of each of its jobs. */
  labels?: Record<string, string> | undefined
  /** What is other than the type says. */
  jobOptions?: ScheduledJobOptions | undefined
}

type NameOf<Type> = Type extends AnyJobDefinition ? Type['name'] : Type

type AsTimes = 'at' | 'startAt' | 'endAt' | 'pausedUntil' | 'createdAt' | 'updatedAt'

/** A schedule as the api shows it. */
export interface ShownSchedule extends Omit<Schedule, 'inputText' | 'anchor' | 'from' | 'calendars' | AsTimes> {
  readonly input: unknown
  readonly at?: string
  readonly startAt?: string
  readonly endAt?: string
  readonly calendars: readonly { readonly name: string; readonly mode: 'exclude' | 'shift' }[]
  readonly pausedUntil?: string
  readonly createdAt: string
  readonly updatedAt: string
  /** The rule in plain English. */
  readonly description: string
  /** When it is due next, five at most. Empty if it is over, or paused until somebody resumes it. */
  readonly nextRuns: readonly string[]
  /** What is right, but may not be what was meant. */
  readonly warnings: readonly string[]
}

/** What a calendar holds. */
export interface CalendarRequest {
  /** The IANA name of the zone of its dates and windows. Default `UTC`. */
  timezone?: string | undefined
  /** Whole days: `2027-12-25`, or `12-25` for that day of every year. */
  dates?: readonly string[] | undefined
  /** Parts of the day in some days of every week. */
  windows?: readonly StoredWindow[] | undefined
}

/** A calendar as the api shows it. */
export interface ShownCalendar extends Omit<StoredCalendar, 'windows' | 'createdAt' | 'updatedAt'> {
  readonly windows: readonly Required<StoredWindow>[]
  readonly createdAt: string
  readonly updatedAt: string
}

/** The same, as whoever puts one is answered. */
export interface PutCalendar extends ShownCalendar {
  /** Names schedules that use it and are never due any more. */
  readonly warnings: readonly string[]
}

/** A rule to try out, with calendars that are stored or only said here. */
export interface PreviewRequest extends ScheduleRule {
  calendars?: readonly (CalendarUse | (Exclude<CalendarUse, string> & CalendarRequest))[] | undefined
  /** Of the schedule: jitter depends on it. */
  id?: string | undefined
  /** Ticks after this time are told. Default: now. */
  from?: Time | undefined
  /** How many ticks, at most 100. Default 10. */
  n?: number | undefined
}

/** When a rule is due. */
export interface SchedulePreview {
  readonly description: string
  readonly warnings: readonly string[]
  readonly items: readonly {
    readonly kind: 'tick' | 'skipped'
    readonly scheduledFor: string
    /** When it fires: a calendar or jitter may put it later. */
    readonly due?: string
    /** By the clocks of `timezone`. */
    readonly local: string
    /** Why it is skipped, or not where the rule has it. */
    readonly explanation?: string
  }[]
}

/** What became of a tick, or of several that follow each other. */
export interface ScheduleTick {
  /** When it was planned; of several, the first. */
  readonly scheduledFor: string
  /** `late`: fired, but later than `lateAfterMs`. `missed`: nobody fired it in time. */
  readonly outcome: 'fired' | 'late' | 'skipped' | 'missed'
  /** Why it made no job. */
  readonly reason?: string
  /** Of several, the last. */
  readonly until?: string
  /** Of several, how many; null if they were too many to count. */
  readonly count?: number | null
  readonly latenessMs?: number
  readonly jobId?: string
  readonly jobStatus?: JobStatus
}

/** A backfill under way, as `GET /v1/operations/{id}` shows it too. */
export interface Backfill {
  readonly id: string
  readonly kind: 'backfill'
  readonly state: 'running' | 'paused' | 'completed' | 'stopped' | 'failed'
  readonly dryRun: boolean
  readonly ratePerSecond?: number
  /** Ticks met so far. */
  readonly matched: number
  /** How many of them have their job. */
  readonly moved: number
  /** The first ticks. */
  readonly sample: readonly string[]
  readonly startedAt: string
  readonly updatedAt: string
  readonly finishedAt?: string
  /** Why it stopped or failed. */
  readonly error?: string
}

/** A part of a list. */
export interface Page<Item> {
  readonly items: readonly Item[]
  /** To be given as `cursor` with the same filter; null on the last page. */
  readonly nextCursor: string | null
}
