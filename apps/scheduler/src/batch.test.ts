import type { TickDecision } from '@foliot/queue'
import { describe, expect, it } from 'vitest'
import { Batch } from './batch.ts'
import type { Plan, Step } from './plan.ts'

const planOf = (bytes: number) => ({ schedule: { inputText: 'x'.repeat(bytes) } }) as Plan
const fired = (count: number) => Array.from({ length: count }, () => ({ verb: 'fire' }) as TickDecision)
const add = (batch: Batch, plan: Plan, count: number) => batch.add({ plan, step: {} as Step, decisions: fired(count) })

describe('Batch', () => {
  it('is full after so many ticks', () => {
    const batch = new Batch()
    const plan = planOf(10)
    expect(batch.roomFor(plan)).toBe(500)
    add(batch, plan, 499)
    expect([batch.isFull, batch.roomFor(plan)]).toEqual([false, 1])
    add(batch, plan, 1)
    expect(batch.isFull).toBe(true)
  })

  it('is full after so many bytes, and always has room for one tick', () => {
    const batch = new Batch()
    const large = planOf(64 * 1024)
    expect(batch.roomFor(large)).toBeLessThan(17)
    add(batch, large, 16)
    expect([batch.isFull, batch.roomFor(large)]).toEqual([true, 1])
  })
})
