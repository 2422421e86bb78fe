import { describe, expect, it } from 'vitest'
import { decideOverlap, type OverlapPolicy } from './overlap.ts'

const POLICIES: OverlapPolicy[] = ['allow', 'skip', 'queue_one', 'queue_all', 'cancel_running']

describe('decideOverlap', () => {
  it.each(POLICIES)('%s fires if nothing is open and nothing waits', (policy) => {
    expect(decideOverlap(policy, { previousIsOpen: false, queuedCount: 0 })).toEqual({ kind: 'fire' })
  })

  it.each([
    ['allow', 'fire', 'fire'],
    ['skip', 'skip', 'skip'],
    ['queue_one', 'queue', 'skip'],
    ['queue_all', 'queue', 'queue'],
    ['cancel_running', 'cancel_then_fire', 'cancel_then_fire'],
  ] as const)('%s: %s while a job is open, %s while a tick waits too', (policy, open, waited) => {
    expect(decideOverlap(policy, { previousIsOpen: true, queuedCount: 0 }).kind).toBe(open)
    for (const previousIsOpen of [true, false])
      expect(decideOverlap(policy, { previousIsOpen, queuedCount: 3 }).kind).toBe(waited)
  })

  it('gives a skip its reason', () => {
    expect(decideOverlap('skip', { previousIsOpen: true, queuedCount: 0 })).toHaveProperty(
      'reason',
      expect.stringContaining('has not ended'),
    )
    expect(decideOverlap('queue_one', { previousIsOpen: true, queuedCount: 1 })).toHaveProperty(
      'reason',
      expect.stringContaining('waits for it'),
    )
  })
})
