import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { defineJob, type JobData, type JobInput, type JobOutput } from './define-job.ts'
import { PRIORITY_MAX } from './limits.ts'

const resize = defineJob({
  name: 'image.resize',
  input: z.object({ url: z.string(), width: z.coerce.number().int().default(100) }),
  output: z.object({ bytes: z.number() }),
  retry: { attempts: 8 },
})

describe('defineJob', () => {
  it('fills in the safe defaults and freezes the definition', () => {
    expect(resize).toMatchObject({
      version: 1,
      queue: 'default',
      timeoutMs: 60_000,
      priority: 0,
      isolation: 'inline',
      history: 'all',
      redact: [],
      retry: { attempts: 8, kind: 'exponential', baseMs: 1000, factor: 2, maxMs: 60_000, jitter: 'full' },
    })
    expect(Object.isFrozen(resize)).toBe(true)
  })

  it.each([
    [{ name: 'Resize' }, /expected a job type name like "billing.send-invoice"/],
    [{ queue: '../x' }, /expected a queue name like "email".*got "\.\.\/x"/],
    [{ timeoutMs: 0 }, /`timeoutMs` to be an integer from 1 to 86400000, got 0/],
    [{ priority: -1 }, /`priority` to be an integer from 0 to 2097151, got -1/],
    [{ version: 1.5 }, /`version` to be an integer/],
    [{ retry: { attempts: 0 } }, /`retry.attempts` to be an integer from 1 to 1000, got 0/],
    [{ retry: { jiter: 'full' } as object }, /unknown option `retry.jiter`; known are attempts, kind/],
    [
      { retry: { errors: [{ match: { kind: 'Too fast' }, retry: false }] } },
      /`retry.errors\[0\].match.kind` to be a word/,
    ],
    [{ retry: { baseMs: 10, maxMs: 5 } }, /`retry.maxMs` to be at least `retry.baseMs` \(10\), got 5/],
    [{ timeoutMs: 86_400_001 }, /`timeoutMs` to be an integer/],
    [{ priority: PRIORITY_MAX + 1 }, /`priority` to be an integer/],
    [{ version: 0 }, /`version` to be an integer/],
    [{ isolation: 'thread' as 'process' }, /expected `isolation` to be "inline" or "process", got "thread"/],
    [{ history: 'some' as 'all' }, /expected `history` to be "all" or "failures" or "none", got "some"/],
  ])('refuses %j and says what it expected', (wrong, message) => {
    expect(() => defineJob({ name: 'image.resize', input: z.json(), ...wrong })).toThrow(message)
  })

  it('tells apart what a caller sends and what a handler receives', () => {
    expectTypeOf<JobInput<typeof resize>>().toEqualTypeOf<{ url: string; width?: unknown }>()
    expectTypeOf<JobData<typeof resize>>().toEqualTypeOf<{ url: string; width: number }>()
    expectTypeOf<JobOutput<typeof resize>>().toEqualTypeOf<{ bytes: number }>()
  })
})
