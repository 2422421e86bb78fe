import type { Schedule } from '@foliot/jobs'
import { scheduleKey } from '@foliot/jobs'
import { tickJobId } from '@foliot/queue'

/** A set of rules that all repeat after the same time. */
export interface Rules {
  /** Of their ids. */
  prefix: string
  count: number
  everyMs: number
  /** All due at the same instants; else their phases are spread. */
  together: boolean
  /** An instant from which they count, in ms. */
  anchor: number
}

export const phaseOf = ({ everyMs, together, count }: Omit<Rules, 'anchor'>, i: number): number =>
  together ? 0 : Math.floor((i * everyMs) / count)

/** The ticks from one instant up to another, as the ids of their jobs, with when they are due. */
export function expectedTicks(rules: Rules, fromMs: number, toMs: number): Map<string, number> {
  const expected = new Map<string, number>()
  for (let i = 0; i < rules.count; i++) {
    const key = scheduleKey({ tenant: 'default', id: `${rules.prefix}${i}` })
    const first = rules.anchor + phaseOf(rules, i)
    const steps = Math.max(0, Math.ceil((fromMs - first) / rules.everyMs))
    for (let due = first + steps * rules.everyMs; due < toMs; due += rules.everyMs)
      expected.set(tickJobId(key, due), due)
  }
  return expected
}

/** As it is stored. No tick waits for another. */
export function toSchedule(rules: Rules, i: number, revision: number, type: string): Schedule {
  const { anchor, everyMs, prefix } = rules
  // A tick at the anchor counts too.
  const madeAt = Math.min(anchor, Date.now())
  return {
    ...{ id: `${prefix}${i}`, tenant: 'default', revision, type, inputText: '{"to":"somebody@example.org"}' },
    ...{ everyMs, anchor: anchor + phaseOf(rules, i), timezone: 'UTC', jitterMs: 0 },
    ...{ misfire: 'fire_all', lateAfterMs: 30_000, maxCatchUp: 100, overlap: 'allow' },
    ...{ paused: false, labels: {}, jobOptions: {}, createdAt: madeAt, updatedAt: madeAt, from: madeAt },
  }
}
