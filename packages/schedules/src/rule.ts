import type { CronFields } from './cron-fields.ts'
import type { Dst } from './dst.ts'
import type { RuleCalendar } from './rule-calendars.ts'
import type { Zone } from './zone.ts'

/** When a schedule is due. Exactly one of `cron`, `everyMs` and `at` is given. Instants are milliseconds since 1970. */
export interface RuleDefinition {
  /** The id of the schedule: jitter depends on it. */
  readonly id: string
  /** 5, 6 (seconds first) or 7 (years last) fields, or a nickname like `@daily`. */
  readonly cron?: string | undefined
  /** From 1000 to ten years. */
  readonly everyMs?: number | undefined
  /** One time only. */
  readonly at?: number | undefined
  /** The IANA zone that `cron` is read in. Default `UTC`. */
  readonly timezone?: string | undefined
  /** An instant at which `everyMs` is due; the others lie whole steps from it. Default `startAt`, or else 1970-01-01. */
  readonly anchor?: number | undefined
  /** Nothing is due before. */
  readonly startAt?: number | undefined
  /** Nothing is due then or later. */
  readonly endAt?: number | undefined
  /** Each tick is due up to this much later, but always before the next one. At most a day. Default 0. */
  readonly jitterMs?: number | undefined
  /** For `cron`. Default: see `DST_BY_CLOCK` and `DST_BY_ELAPSED`. */
  readonly dst?: Partial<Dst> | undefined
  readonly calendars?: readonly CalendarUse[] | undefined
}

/** A calendar by its name. See `RuleCalendar` for the modes. Default `exclude`. */
export interface CalendarUse {
  readonly name: string
  readonly mode?: RuleCalendar['mode'] | undefined
}

export type Timing =
  | { readonly kind: 'cron'; readonly fields: CronFields; readonly dst: Dst; readonly dstGiven: boolean }
  | { readonly kind: 'every'; readonly everyMs: number; readonly anchor: number }
  | { readonly kind: 'at'; readonly at: number }

/** A rule that was found to be right. What `nextTick` and the rest take. */
export interface CompiledRule {
  readonly timing: Timing
  readonly zone: Zone
  readonly startAt: number
  /** Infinity if there is no end. */
  readonly endAt: number
  readonly jitterMs: number
  readonly seed: number
  readonly calendars: readonly RuleCalendar[]
  /** What is right, but may not be what was meant: one sentence each. */
  readonly warnings: readonly string[]
}
