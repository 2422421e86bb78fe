import { describe, expect, it } from 'vitest'
import type { Plan } from './plan.ts'
import { ReadyPlans } from './ready-plans.ts'

const plan = (dueAt: number, key = String(dueAt)) => ({ dueAt, key }) as Plan

describe('ReadyPlans', () => {
  it('lets what is due now pass what is late, and what is late go on', () => {
    const ready = new ReadyPlans()
    for (let i = 0; i < 1000; i++) ready.add(plan(60_000, 'late'))
    for (let i = 0; i < 10; i++) ready.add(plan(65_000, 'now'))
    const first = ready.take(100).map(({ key }) => key)
    expect(first.filter((key) => key === 'now')).toHaveLength(10)
    expect(first.filter((key) => key === 'late')).toHaveLength(90)
    expect(ready.size).toBe(910)
  })

  it('gives each once', () => {
    const ready = new ReadyPlans()
    const keys = Array.from({ length: 777 }, (_, i) => `p${i}`)
    keys.forEach((key, i) => {
      ready.add(plan(i * 37, key))
    })
    const taken: string[] = []
    while (ready.size > 0) taken.push(...ready.take(60).map(({ key }) => key))
    expect(taken.sort()).toEqual(keys.sort())
    expect(ready.take(10)).toEqual([])
  })
})
