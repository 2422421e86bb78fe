/**
 * Notes when each tick's job is there to be seen: by the events of its queue, a moment after Redis has stored it and has answered
 * the scheduler. Answers when the time is over and all are there, or no more come.
 */
import { Redis } from 'ioredis'
import { onErrand } from '../on-errand.ts'
import { percentile } from '../statistics.ts'
import { expectedTicks, type Rules } from './rules.ts'

export interface WatchTask {
  redisUrl: string
  /** The key of the events. */
  events: string
  /** One figure for each. */
  sets: Rules[]
  fromMs: number
  toMs: number
  /** How long to wait for what is late. */
  patienceMs: number
}

export interface Watched {
  ticks: number
  lost: number
  doubled: number
  p50Ms: number
  p99Ms: number
  maxMs: number
}

onErrand<WatchTask, { sets: Watched[] }>(async ({ redisUrl, events, sets, fromMs, toMs, patienceMs }) => {
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: null })
  const expected = sets.map((rules) => expectedTicks(rules, fromMs, toMs))
  const lateness = sets.map(() => new Map<string, number>())
  const doubled = sets.map(() => 0)
  const isAll = () => expected.every((ticks, i) => ticks.size === lateness[i]?.size)
  let position = '$'
  while (Date.now() < toMs || (Date.now() < toMs + patienceMs && !isAll())) {
    const found = await redis.xread('COUNT', 2000, 'BLOCK', 100, 'STREAMS', events, position)
    const seenAt = Date.now()
    for (const [place, fields] of found?.[0]?.[1] ?? []) {
      position = place
      if (fields[fields.indexOf('event') + 1] !== 'waiting') continue
      const id = fields[fields.indexOf('jobId') + 1] as string
      expected.forEach((ticks, i) => {
        const due = ticks.get(id)
        if (due === undefined) return
        if (lateness[i]?.has(id)) doubled[i] = (doubled[i] ?? 0) + 1
        else lateness[i]?.set(id, seenAt - due)
      })
    }
  }
  redis.disconnect()
  return {
    sets: sets.map((_, i) => {
      const times = [...(lateness[i]?.values() ?? [])]
      if (times.length === 0) throw new Error(`expected ${expected[i]?.size} ticks, got none`)
      return {
        ticks: expected[i]?.size ?? 0,
        lost: (expected[i]?.size ?? 0) - times.length,
        doubled: doubled[i] ?? 0,
        p50Ms: percentile(times, 50),
        p99Ms: percentile(times, 99),
        maxMs: percentile(times, 100),
      }
    }),
  }
})
