import { describe, expect, it } from 'vitest'
import { CUSTOMERS, KINDS, QUEUES, TENANTS, WORKERS } from './catalogue.ts'
import { type PlannedJob, planJob } from './planned-job.ts'

const JOBS = 20_000
const plans = Array.from({ length: JOBS }, (_, number) => planJob(7, number))

const countOf = (fits: (plan: PlannedJob) => boolean): number => plans.filter(fits).length
const shareOf = (fits: (plan: PlannedJob) => boolean): number => countOf(fits) / JOBS

describe('a planned job', () => {
  it('follows from the seed and its number alone', () => {
    expect(planJob(7, 42)).toEqual(plans[42])
    expect(planJob(8, 42)).not.toEqual(plans[42])
  })

  it('tells its number by its input and by a label that no other has', () => {
    expect(plans[42]?.input.orderId).toBe(42)
    expect(new Set(plans.map(({ labels }) => labels.order)).size).toBe(JOBS)
  })

  it('succeeds 94 times in 100; 4 fail, 1 times out, 1 is cancelled', () => {
    expect(shareOf(({ status }) => status === 'succeeded')).toBeCloseTo(0.94, 1.5)
    expect(shareOf(({ status }) => status === 'failed')).toBeCloseTo(0.04, 2)
    expect(shareOf(({ status }) => status === 'timed_out')).toBeCloseTo(0.01, 2)
    expect(shareOf(({ status }) => status === 'cancelled')).toBeCloseTo(0.01, 2)
    expect(plans.every(({ status, failure }) => (failure !== undefined) === /failed|timed_out/.test(status))).toBe(true)
  })

  it('is of the first kind twice as often as of the second, and of each now and then', () => {
    const [first, second] = KINDS.map(({ type }) => countOf((plan) => plan.type === type)) as [number, number]
    expect(first / second).toBeGreaterThan(1.8)
    expect(first / second).toBeLessThan(2.2)
    expect(new Set(plans.map(({ type }) => type)).size).toBe(20)
    expect(new Set(plans.map(({ queue }) => queue))).toEqual(new Set(QUEUES))
    expect(QUEUES).toHaveLength(6)
  })

  it('is for few tenants and customers rather than for the others', () => {
    expect(new Set(plans.map(({ tenant }) => tenant)).size).toBe(TENANTS.length)
    expect(shareOf(({ tenant }) => tenant === TENANTS[0]?.name)).toBeCloseTo(0.6, 1)
    const customers = new Set(plans.map(({ labels }) => labels.customer))
    expect(customers.size).toBeGreaterThan(0.9 * CUSTOMERS)
    expect(customers.size).toBeLessThanOrEqual(CUSTOMERS)
    expect(shareOf(({ labels }) => labels.customer < 'c-0500')).toBeGreaterThan(0.45)
  })

  it('fails in some forty ways, a few of which are most of it', () => {
    const counts = new Map<string, number>()
    for (const { failure } of plans) {
      if (failure?.fingerprint) counts.set(failure.fingerprint, (counts.get(failure.fingerprint) ?? 0) + 1)
    }
    expect(counts.size).toBeGreaterThan(35)
    expect(counts.size).toBeLessThanOrEqual(60)
    const sorted = [...counts.values()].sort((a, b) => b - a)
    const sum = (of: readonly number[]): number => of.reduce((total, count) => total + count, 0)
    expect(sum(sorted.slice(0, 5)) / sum(sorted)).toBeGreaterThan(0.35)
  })

  it('has an input of about 300 bytes, and a log one time in five', () => {
    const bytes = plans.reduce((sum, { input }) => sum + JSON.stringify(input).length, 0) / JOBS
    expect(bytes).toBeGreaterThan(250)
    expect(bytes).toBeLessThan(350)
    expect(shareOf(({ log }) => log.length > 0)).toBeCloseTo(0.2, 1.5)
  })

  it('takes about as long as others of its kind, seldom much longer, and is run by any worker', () => {
    const { type, medianMs } = KINDS[0] as (typeof KINDS)[number]
    const times = plans
      .filter((plan) => plan.type === type && plan.status === 'succeeded')
      .map((plan) => plan.durationMs)
    const below = (ms: number): number => times.filter((time) => time < ms).length / times.length
    expect(below(medianMs)).toBeCloseTo(0.5, 1)
    // A sigma of 1: a sixth takes more than e times the median.
    expect(below(Math.E * medianMs)).toBeCloseTo(0.84, 1)
    for (const worker of WORKERS) expect(shareOf((plan) => plan.worker === worker)).toBeCloseTo(1 / 8, 1.5)
  })
})
