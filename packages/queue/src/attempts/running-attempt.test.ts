import { LIMITS } from '@foliot/jobs'
import { startRedis } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { openTestQueues, retry, succeed } from '../fixtures/test-queues.ts'
import { readLog } from '../jobs/find-job.ts'
import { jobKey, lockKey, logsKey } from '../keys.ts'
import type { RunningAttempt } from './running-attempt.ts'

const q = await openTestQueues()

/** An attempt that runs for as long as the test needs it. */
async function hold(queue = q.newQueue(), at = q): Promise<{ attempt: RunningAttempt; queue: string; id: string }> {
  const { id } = await at.add(queue)
  const held = Promise.withResolvers<RunningAttempt>()
  await at.consume(queue, async (attempt) => {
    held.resolve(attempt)
    await attempt.stopped
    return succeed()
  })
  return { attempt: await held.promise, queue, id }
}

/** Has another attempt take the job, as Redis sees it. */
const takeAway = ({ queue, id }: { queue: string; id: string }): Promise<unknown> =>
  q.redis.multi().set(lockKey(queue, id), 'another-token', 'PX', 60_000).hincrby(jobKey(queue, id), 'ats', 1).exec()

describe('progress', () => {
  it.each(['0', '37.5', 'null', '"half"', '{"done":1,"of":[2]}'])(
    'can be read as soon as it is stored: %s',
    async (json) => {
      const { attempt, queue, id } = await hold()
      await attempt.progress('1')
      await attempt.progress(json)
      expect((await q.read(queue, id)).progress).toEqual(JSON.parse(json))
    },
  )
})

describe('on a Redis that is full', () => {
  it('progress is not kept, and a step waits for room, or for the end of the attempt', async () => {
    const { url } = await startRedis()
    const own = await openTestQueues(url)
    const { attempt, queue, id } = await hold('full', own)
    const { attempt: stopped } = await hold('full-too', own)
    await own.redis.config('SET', 'maxmemory', '1')
    await attempt.progress('50')
    const kept = attempt.keepStep('charge', '"once"')
    const given = expect(stopped.keepStep('charge', '1')).rejects.toThrow('the job was cancelled')
    stopped.stop('cancel')
    await given
    expect(await Promise.race([kept, own.redis.ping()])).toBe('PONG')
    await own.redis.config('SET', 'maxmemory', '0')
    await kept
    expect(await own.redis.hget(jobKey(queue, id), 's:charge')).toBe('"once"')
    expect((await own.read(queue, id)).progress).toBeNull()
  })
})

describe('log', () => {
  it('keeps the lines in order, whatever they hold', async () => {
    const { attempt, queue, id } = await hold()
    const lines = ['first', '', 'ü\u{1F600}', 'with\nbreak', '%s $1 `']
    for (const line of lines.slice(0, 3)) attempt.log(line)
    await attempt.flushLog()
    for (const line of lines.slice(3)) attempt.log(line)
    await attempt.flushLog()
    expect(await readLog(q.redis, { queue, id })).toEqual(lines)
  })

  it('keeps the last lines of many, of all attempts together', async () => {
    const { attempt, queue, id } = await hold()
    attempt.log('of an earlier turn')
    await attempt.flushLog()
    const written = 3 * LIMITS.logLines + 7
    for (let n = 1; n <= written; n++) attempt.log(`line ${n}`)
    await attempt.flushLog()
    expect(await q.redis.llen(logsKey(queue, id))).toBe(LIMITS.logLines)
    const kept = await readLog(q.redis, { queue, id })
    expect([kept[0], kept.at(-1)]).toEqual([`line ${written - LIMITS.logLines + 1}`, `line ${written}`])
  })

  it('cuts a long line, and says so', async () => {
    const { attempt, queue, id } = await hold()
    attempt.log('ü'.repeat(LIMITS.logLineBytes))
    await attempt.flushLog()
    const [line = ''] = await readLog(q.redis, { queue, id })
    expect(line).toMatch(new RegExp(`^ü+… \\[cut from ${2 * LIMITS.logLineBytes} bytes\\]$`))
    expect(Buffer.byteLength(line)).toBeLessThanOrEqual(LIMITS.logLineBytes)
  })

  it('is stored without being asked for', async () => {
    const { attempt, queue, id } = await hold()
    attempt.log('by itself')
    // What is asked next on the same connection is answered after it.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    expect(await readLog(q.redis, { queue, id })).toEqual(['by itself'])
  })

  it('tells at the flush that Redis refused a line, and takes down nothing', async () => {
    const { attempt, queue, id } = await hold()
    await q.redis.set(logsKey(queue, id), 'no list')
    attempt.log('lost')
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    await q.redis.ping()
    await expect(attempt.flushLog()).rejects.toThrow('WRONGTYPE')
  })
})

describe('an attempt that lost its job', () => {
  it('writes no progress, and is stopped', async () => {
    const { attempt, queue, id } = await hold()
    await attempt.progress('1')
    await takeAway({ queue, id })
    await attempt.progress('2')
    expect((await q.read(queue, id)).progress).toBe(1)
    expect([attempt.stopReason, await attempt.stopped]).toEqual(['lost', 'lost'])
  })

  it('writes no log lines, and is stopped', async () => {
    const { attempt, queue, id } = await hold()
    await takeAway({ queue, id })
    attempt.log('too late')
    await attempt.flushLog()
    expect(await readLog(q.redis, { queue, id })).toEqual([])
    expect(attempt.stopReason).toBe('lost')
  })

  it('is lost also if it is the last one that was started', async () => {
    const { attempt, queue, id } = await hold()
    await q.redis.set(lockKey(queue, id), 'another-token', 'PX', 60_000)
    await attempt.progress('2')
    expect([(await q.read(queue, id)).progress, attempt.stopReason]).toEqual([null, 'lost'])
  })

  it('is lost also if the new one has the same lock token', async () => {
    const { attempt, queue, id } = await hold()
    await q.redis.hincrby(jobKey(queue, id), 'ats', 1)
    await attempt.progress('2')
    expect((await q.read(queue, id)).progress).toBeNull()
    expect(attempt.stopReason).toBe('lost')
  })

  it('cannot write the result', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    const lost: unknown[] = []
    const told = Promise.withResolvers<void>()
    await q.consume(
      queue,
      async () => {
        await takeAway({ queue, id })
        return { kind: 'succeeded', output: '"mine"' }
      },
      {
        onLost: (claim) => {
          lost.push(claim)
          told.resolve()
        },
      },
    )
    await told.promise
    expect(lost).toMatchObject([{ id, attempt: 1 }])
    expect(await q.read(queue, id)).toMatchObject({ status: 'running', output: null, attempt: 2 })
  })

  it.each([
    [
      'a retry',
      {
        kind: 'retry',
        outcome: 'failed',
        failure: { name: 'E', message: 'm', kind: 'error' },
        reason: 'r',
        delayMs: 0,
      },
    ],
    ['a snooze', { kind: 'snoozed', delayMs: 0, reason: 'r' }],
    ['a hand-back', { kind: 'handed_back', reason: 'r' }],
    ['a failure', { kind: 'dead', status: 'failed', failure: { name: 'E', message: 'm', kind: 'error' }, reason: 'r' }],
    ['a cancellation', { kind: 'cancelled', by: 'handler', reason: 'r' }],
  ] as const)('cannot make of it %s', async (_, settlement) => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    const lost = Promise.withResolvers<void>()
    const run = async () => {
      await takeAway({ queue, id })
      return settlement
    }
    const { errors } = await q.consume(queue, run, { onLost: () => lost.resolve() })
    await lost.promise
    expect(await q.read(queue, id)).toMatchObject({ status: 'running', attempt: 2, attemptsUsed: 0, error: null })
    expect(errors).toEqual([])
  })
})

describe('an attempt whose lock ran out while nobody took the job', () => {
  it('writes as before', async () => {
    const { attempt, queue, id } = await hold()
    await q.redis.del(lockKey(queue, id))
    await attempt.progress('1')
    await q.redis.del(lockKey(queue, id))
    attempt.log('a line')
    await attempt.flushLog()
    expect((await q.read(queue, id)).progress).toBe(1)
    expect(await readLog(q.redis, { queue, id })).toEqual(['a line'])
    expect(attempt.stopReason).toBeUndefined()
  })

  it('writes nothing once the job was taken for stalled', async () => {
    const { attempt, queue, id } = await hold()
    await q.redis.multi().del(lockKey(queue, id)).hincrby(jobKey(queue, id), 'stc', 1).exec()
    await attempt.progress('1')
    expect([(await q.read(queue, id)).progress, attempt.stopReason]).toEqual([null, 'lost'])
  })
})

describe('an attempt that has ended', () => {
  it('writes nothing, though its handler goes on', async () => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    const held = Promise.withResolvers<RunningAttempt>()
    await q.consume(queue, async (attempt) => {
      held.resolve(attempt)
      return retry(60_000)
    })
    const attempt = await held.promise
    await q.readWhen(queue, id, ({ status }) => status === 'retrying')
    await attempt.progress('1')
    attempt.log('a line')
    await attempt.flushLog()
    expect(await q.read(queue, id)).toMatchObject({ status: 'retrying', progress: null })
    expect(await readLog(q.redis, { queue, id })).toEqual([])
    expect(attempt.stopReason).toBeUndefined()
  })
})

describe('stop', () => {
  it('counts its first reason, and aborts the signal with it', async () => {
    const { attempt } = await hold()
    const { signal } = attempt
    expect(signal.aborted).toBe(false)
    attempt.stop('timeout')
    attempt.stop('shutdown')
    expect([attempt.stopReason, await attempt.stopped]).toEqual(['timeout', 'timeout'])
    expect(signal.reason).toMatchObject({
      name: 'AbortError',
      stopReason: 'timeout',
      message: expect.stringContaining('timeout'),
    })
  })

  it('is seen also by a signal that is asked for later', async () => {
    const { attempt } = await hold()
    attempt.stop('timeout')
    expect(attempt.signal.reason).toMatchObject({ name: 'AbortError', stopReason: 'timeout' })
    expect(attempt.signal).toBe(attempt.signal)
  })
})
