import { LIMITS } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import type { RunningAttempt } from '../attempts/running-attempt.ts'
import { openTestQueues, succeed } from '../fixtures/test-queues.ts'
import { jobKey, logsKey } from '../keys.ts'
import { readLogAfter } from './read-log.ts'

const q = await openTestQueues()

/** A job that runs until it is let go. */
async function running() {
  const queue = q.newQueue()
  const { id } = await q.add(queue)
  const held = Promise.withResolvers<RunningAttempt>()
  const go = Promise.withResolvers<void>()
  await q.consume(queue, async (attempt) => {
    held.resolve(attempt)
    await go.promise
    return succeed()
  })
  const attempt = await held.promise
  const write = async (from: number, to: number): Promise<void> => {
    for (let n = from; n <= to; n++) attempt.log(`line ${n}`)
    await attempt.flushLog()
  }
  return { ref: { queue, id }, write, end: () => go.resolve() }
}

const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => `line ${from + i}`)

describe('readLogAfter', () => {
  it('reads the lines behind one of them, as many as are asked for', async () => {
    const { ref, write, end } = await running()
    expect(await readLogAfter(q.redis, ref, 0, 10)).toEqual({ after: 0, lines: [], last: 0, ended: false })
    await write(1, 25)
    expect(await readLogAfter(q.redis, ref, 0, 10)).toEqual({
      after: 0,
      lines: numbered(1, 10),
      last: 25,
      ended: false,
    })
    expect(await readLogAfter(q.redis, ref, 20, 10)).toMatchObject({ after: 20, lines: numbered(21, 25) })
    expect(await readLogAfter(q.redis, ref, 25, 10)).toMatchObject({ after: 25, lines: [] })
    end()
    await q.readWhen(ref.queue, ref.id, ({ status }) => status === 'succeeded')
    expect(await readLogAfter(q.redis, ref, 24, 10)).toEqual({ after: 24, lines: ['line 25'], last: 25, ended: true })
  })

  it('numbers lines by what was written, whatever was trimmed or never stored', async () => {
    const { ref, write } = await running()
    await write(1, 10)
    // In one turn of the event loop: more than the attempt keeps waiting.
    await write(11, 3 * LIMITS.logLines)
    const last = 3 * LIMITS.logLines
    const kept = last - LIMITS.logLines
    expect(await readLogAfter(q.redis, ref, 5, 2)).toEqual({
      after: kept,
      lines: numbered(kept + 1, kept + 2),
      last,
      ended: false,
    })
    await write(last + 1, last + 7)
    expect(await readLogAfter(q.redis, ref, last, 10)).toMatchObject({ lines: numbered(last + 1, last + 7) })
    expect(await readLogAfter(q.redis, ref, 0, LIMITS.logLines)).toMatchObject({
      after: kept + 7,
      lines: numbered(kept + 8, last + 7),
    })
  })

  it('numbers lines that nobody counted', async () => {
    const { ref, write } = await running()
    await q.redis.rpush(logsKey(ref.queue, ref.id), 'of plain BullMQ', 'and one more')
    expect(await readLogAfter(q.redis, ref, 1, 10)).toMatchObject({ after: 1, lines: ['and one more'], last: 2 })
    await write(3, 3)
    expect(await readLogAfter(q.redis, ref, 1, 10)).toMatchObject({ lines: ['and one more', 'line 3'], last: 3 })
    expect(await q.redis.hget(jobKey(ref.queue, ref.id), 'ln')).toBe('3')
  })

  it('knows no job that is not there, or is none', async () => {
    const ref = { queue: q.newQueue(), id: 'nobody' }
    expect(await readLogAfter(q.redis, ref, 0, 10)).toBeUndefined()
    await q.redis.set(jobKey(ref.queue, ref.id), 'no hash')
    expect(await readLogAfter(q.redis, ref, 0, 10)).toBeUndefined()
  })
})
