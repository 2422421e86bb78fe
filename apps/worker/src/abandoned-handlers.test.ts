import { describe, expect, it } from 'vitest'
import { AbandonedHandlers, MOST_ABANDONED } from './abandoned-handlers.ts'

const never = new Promise<never>(() => undefined)

/** What the promise has resolved to by now. */
const now = <T>(promise: Promise<T>): Promise<T | 'not yet'> =>
  Promise.race([promise, new Promise<'not yet'>((resolve) => setImmediate(() => resolve('not yet')))])

describe('AbandonedHandlers', () => {
  it('asks for a new process when too many handlers do not end', async () => {
    const abandoned = new AbandonedHandlers()
    for (let n = 1; n < MOST_ABANDONED; n++) abandoned.add(never)
    expect(await now(abandoned.tooMany)).toBe('not yet')
    abandoned.add(never)
    expect(await now(abandoned.tooMany)).toMatch(`${MOST_ABANDONED} handlers`)
  })

  it('forgets those that end after all', async () => {
    const abandoned = new AbandonedHandlers()
    for (let n = 0; n < 3 * MOST_ABANDONED; n++) {
      abandoned.add(Promise.resolve())
      await now(never)
    }
    expect(await now(abandoned.tooMany)).toBe('not yet')
  })
})
