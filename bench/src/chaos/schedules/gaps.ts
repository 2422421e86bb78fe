import { SLOTS, slotOf } from '@foliot/queue'
import { shareSlots } from '@foliot/schedules'
import type { Hit } from '../storm.ts'
import { keyOf } from './expected-ticks.ts'
import { isPaused, type ScheduleRecord } from './ledger.ts'
import type { MemberName } from './plan.ts'
import type { Sample } from './scheduler-watch.ts'

/** What it did to the rules of a scheduler that it was killed or frozen. */
export interface Gap {
  hit: Hit<MemberName>
  /** The longest that one of its one-second rules was without a fire. */
  ms: number
  /** Which rule, and since when, in ms since 1970. */
  scheduleId: string
  from: number
  /** Whether another scheduler was there, and nothing was done to any shortly before or meanwhile. */
  isUndisturbed: boolean
}

export interface GapOptions {
  hits: readonly Hit<MemberName>[]
  samples: readonly Sample[]
  records: readonly ScheduleRecord[]
  /** When each schedule fired, in ms since 1970. */
  fires: ReadonlyMap<string, readonly number[]>
}

/** What was done so long before is over. */
const AFTERMATH_MS = 3500
/** The gap begins within this time: ticks that were on their way still come. */
const BEGINS_WITHIN_MS = 2000
/** Rules that are changed so shortly before or after a hit tell nothing of it. */
const UNCHANGED_MS = [2000, 6000] as const

/** One for each kill and freeze of a scheduler that had one-second rules. An orderly end has none. */
export function gapsOf({ hits, samples, records, fires }: GapOptions): Gap[] {
  return hits.flatMap((hit): Gap[] => {
    const { at, pid, kind } = hit
    const names = samples.findLast((sample) => sample.at <= at)?.names ?? []
    const name = names.find((one) => one.includes(`-${pid}-`))
    if (kind === 'stop' || name === undefined) return []
    const owners = shareSlots(SLOTS, names)
    const [longest] = records
      .filter((record) => owners[slotOf(keyOf(record.id))] === name && isEverySecond(record, at))
      .map(({ id }) => ({ scheduleId: id, ...longestGap(fires.get(id) ?? [], at) }))
      .sort((a, b) => b.ms - a.ms)
    if (!longest) return []
    const isOther = (other: Hit<MemberName>): boolean =>
      other !== hit && other.at >= at - AFTERMATH_MS && other.at <= at + longest.ms
    return [{ hit, ...longest, isUndisturbed: names.length > 1 && !hits.some(isOther) }]
  })
}

/** Whether it is due each second, all around an instant. */
function isEverySecond({ versions }: ScheduleRecord, at: number): boolean {
  const [from, to] = [at - UNCHANGED_MS[0], at + UNCHANGED_MS[1]]
  const last = versions.findLastIndex(({ sentAt }) => sentAt <= from)
  const version = versions[last]
  if (!version || version.answeredAt > from || version.body.everyMs !== 1000) return false
  const next = versions[last + 1]
  return (next === undefined || next.sentAt > to) && !isPaused(version, from) && !isPaused(version, to)
}

/** The longest time between two fires, of those that reach beyond an instant and begin before or shortly after it. */
function longestGap(fires: readonly number[], at: number): Pick<Gap, 'ms' | 'from'> {
  let longest = { ms: 0, from: at }
  for (let i = 1; i < fires.length; i += 1) {
    const [before, after] = [fires[i - 1] as number, fires[i] as number]
    if (before > at + BEGINS_WITHIN_MS) break
    if (after > at && after - before > longest.ms) longest = { ms: after - before, from: before }
  }
  return longest
}
