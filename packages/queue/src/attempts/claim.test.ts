import { describe, expect, it } from 'vitest'
import { NO_ENVELOPE } from '../enqueue/envelope.ts'
import { type Claim, toClaim } from './claim.ts'

const fields = {
  name: 'mail.send',
  data: '{"to":"a@b.c"}',
  opts: '{"attempts":5}',
  timestamp: '1000',
  delay: '0',
  priority: '7',
  env: JSON.stringify({ ...NO_ENVELOPE, version: 2, labels: { a: 'b' } }),
  processedOn: '3000',
  pb: 'w1',
  ats: '4',
  atm: '2',
}

/** Reads a claim from these fields, of which `undefined` is not there. Gives also what is left for BullMQ to parse. */
function claimOf(changes: Record<string, string | undefined> = {}): { claim: Claim; left: Record<string, string> } {
  const present = Object.entries({ ...fields, ...changes }).flatMap(([k, v]) =>
    v === undefined ? [] : [[k, v] as const],
  )
  const flat = present.flat()
  const claim = toClaim('mail', 'id-1', flat)
  const left: Record<string, string> = {}
  for (let i = 0; i < flat.length; i += 2) left[flat[i] as string] = flat[i + 1] as string
  return { claim, left }
}

describe('toClaim', () => {
  it('reads what a fetch brings', () => {
    expect(claimOf().claim).toEqual({
      id: 'id-1',
      queue: 'mail',
      type: 'mail.send',
      input: { to: 'a@b.c' },
      envelope: { ...NO_ENVELOPE, version: 2, labels: { a: 'b' } },
      worker: 'w1',
      attempt: 4,
      attemptsUsed: 2,
      maxAttempts: 5,
      passes: 0,
      priority: 7,
      createdAt: 1000,
      startedAt: 3000,
      scheduledFor: 1000,
      unreadable: undefined,
      cancelRequest: undefined,
      steps: new Map(),
      stalls: '0',
      outlived: false,
    })
  })

  it('takes the time a job was meant for from its envelope', () => {
    expect(claimOf({ env: JSON.stringify({ ...NO_ENVELOPE, runAt: 2000 }) }).claim.scheduledFor).toBe(2000)
  })

  it('has the deadline that a redrive gave it, and something to tell of its end', () => {
    const env = JSON.stringify({ ...NO_ENVELOPE, deadlineAt: 2000 })
    expect(claimOf({ env }).claim).toMatchObject({ envelope: { deadlineAt: 2000 }, outlived: false })
    expect(claimOf({ env, dl: '5000' }).claim).toMatchObject({ envelope: { deadlineAt: 5000 }, outlived: true })
    expect(claimOf({ env, dl: 'soon' }).claim.unreadable).toContain('its envelope cannot be parsed')
  })

  it('welcomes a job of plain BullMQ, which has no envelope', () => {
    const { claim } = claimOf({ env: undefined, opts: '{"attempts":0}', atm: undefined, priority: undefined })
    expect(claim).toMatchObject({
      envelope: NO_ENVELOPE,
      maxAttempts: 1,
      attemptsUsed: 0,
      priority: 0,
      unreadable: undefined,
    })
  })

  it.each([
    ['data', '{', 'its data cannot be parsed'],
    ['data', '', 'its data cannot be parsed'],
    ['data', undefined, 'its hash has no data'],
    ['name', undefined, 'its hash has no name'],
    ['opts', '{"attempts":', 'its opts cannot be parsed'],
    ['opts', 'null', 'its opts cannot be parsed: it is no object'],
    ['opts', '5', 'its opts cannot be parsed: it is no object'],
    ['opts', '[]', 'its opts cannot be parsed: it is no object'],
    ['progress', 'half', 'its progress cannot be parsed'],
    ['parent', '"x"', 'its parent cannot be parsed: it is no object'],
    ['env', '{', 'its envelope cannot be parsed'],
    ['env', 'null', 'its envelope cannot be parsed'],
    ['env', '{}', 'its envelope cannot be parsed'],
    ['atm', 'abc', 'its atm is no number'],
    ['atm', '1.5', 'its atm is no number'],
    ['stc', '', 'its stc is no number'],
  ])('names what is broken: %s is %j', (name, value, problem) => {
    const { claim, left } = claimOf({ [name]: value })
    expect(claim.unreadable).toContain(problem)
    // What BullMQ parses next must not throw inside its fetch.
    for (const field of ['opts', 'data', 'progress', 'parent']) JSON.parse(left[field] ?? 'null')
    expect(typeof JSON.parse(left.opts ?? '{}')).toBe('object')
    expect(claim).toMatchObject({ id: 'id-1', attempt: 4, maxAttempts: expect.any(Number) })
  })

  it('names everything that is broken', () => {
    const { claim } = claimOf({ data: 'x', env: 'y', atm: 'z' })
    expect(claim.unreadable?.split('; ')).toHaveLength(3)
  })
})
