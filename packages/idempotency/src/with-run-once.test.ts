import { JobError, UnrecoverableError } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { newRun, started, untilFree } from './fixtures/contract-suite.ts'
import { openTestRedis } from './fixtures/test-redis.ts'
import { redisRunOnceStore } from './redis-store.ts'
import { type OwnedRun, withRunOnce } from './with-run-once.ts'

const connect = await openTestRedis()
const store = redisRunOnceStore(connect())

/** A function that counts how often it was called. */
function counting<T>(perform: () => T) {
  const count = {
    calls: 0,
    perform: () => {
      count.calls++
      return perform()
    },
  }
  return count
}

const throws = (error: unknown) => () => {
  throw error
}

describe('withRunOnce', () => {
  it('runs the first time, and gives the kept result afterwards', async () => {
    const run = newRun()
    const send = counting(() => ({ receipt: 7 }))
    expect(await withRunOnce(store, run, send.perform)).toEqual({ receipt: 7 })
    expect(await withRunOnce(store, run, send.perform)).toEqual({ receipt: 7 })
    expect(send.calls).toBe(1)
  })

  it('runs once of a hundred at once; the others learn who runs it and when to come again', async () => {
    const run = newRun()
    const open = Promise.withResolvers<void>()
    const work = counting(() => open.promise)
    const calls = Array.from({ length: 100 }, () => withRunOnce(store, run, work.perform, { owner: 'Ada' }))
    const refused = Promise.all(
      calls.map((call) =>
        call.then(
          () => undefined,
          (error) => error,
        ),
      ),
    )
    // Nobody is let in while the first one works.
    await expect(withRunOnce(store, run, work.perform)).rejects.toThrow(/in progress by Ada/)
    open.resolve()
    const errors = (await refused).filter((error) => error !== undefined)
    expect(work.calls).toBe(1)
    expect(errors).toHaveLength(99)
    for (const error of errors) expect(error).toMatchObject({ kind: 'in_progress', retryable: true })
    expect(errors[0].retryAfterMs).toSatisfy((ms: number) => ms > 0 && ms <= 60_000)
  })

  it('runs again after a failure that may be retried', async () => {
    const run = newRun()
    await expect(withRunOnce(store, run, throws(new TypeError('no answer')))).rejects.toThrow(TypeError)
    const error = { name: 'TypeError', message: 'no answer' }
    expect(await store.get(run)).toMatchObject({ status: 'failed', retryable: true, error })
    expect(await withRunOnce(store, run, () => 'second')).toBe('second')
  })

  it.each([
    ['an UnrecoverableError', new UnrecoverableError('declined')],
    ['a JobError that says so', new JobError('declined', { retryable: false })],
  ])('does not run again after %s', async (_, error) => {
    const run = newRun()
    await expect(withRunOnce(store, run, throws(error))).rejects.toBe(error)
    const again = counting(() => 1)
    await expect(withRunOnce(store, run, again.perform)).rejects.toThrow(UnrecoverableError)
    await expect(withRunOnce(store, run, again.perform)).rejects.toThrow(/for good: declined/)
    expect(again.calls).toBe(0)
  })

  it.each([['text'], [undefined], [{ odd: 1n }]])(
    'keeps what was thrown without being an error: %s',
    async (thrown) => {
      const run = newRun()
      await expect(withRunOnce(store, run, throws(thrown))).rejects.toBe(thrown)
      expect(await store.get(run)).toMatchObject({ status: 'failed', error: { name: 'NonError' } })
    },
  )

  it('cuts a long message, and keeps it', async () => {
    const run = newRun()
    await expect(withRunOnce(store, run, throws(new Error('x'.repeat(100_000))))).rejects.toThrow('xxx')
    const message = expect.stringMatching(/^x+… \[cut from 100000 bytes\]$/)
    expect(await store.get(run)).toMatchObject({ error: { message } })
  })

  it.each([
    ['too large', 'x'.repeat(70_000), /at most 65536 bytes/],
    ['no JSON', 1n, /BigInt/],
  ])('does not do again what was done, if its result is %s', async (_, result, message) => {
    const run = newRun()
    const done = counting(() => result)
    for (const _attempt of [1, 2]) {
      const error = await withRunOnce(store, run, done.perform).catch((thrown) => thrown)
      expect(error).toBeInstanceOf(UnrecoverableError)
      expect(error.message).toMatch(message)
    }
    expect(done.calls).toBe(1)
  })

  it('tells a function that outlasts its lease to stop, and keeps its result if nobody took over', async () => {
    const run = newRun()
    const untilAborted = ({ signal }: OwnedRun) =>
      new Promise<string>((resolve) => {
        const stop = () => resolve('stopped')
        if (signal.aborted) stop()
        signal.addEventListener('abort', stop)
      })
    expect(await withRunOnce(store, run, untilAborted, { leaseMs: 20 })).toBe('stopped')
    expect(await store.get(run)).toMatchObject({ status: 'completed', result: 'stopped' })
  })

  it('refuses a result that comes after another has taken over', async () => {
    const run = newRun()
    const late = withRunOnce(
      store,
      run,
      async ({ token }) => {
        await untilFree(store, run)
        expect((await started(store, run, 'heir')).token).toBeGreaterThan(token)
        return 'stale'
      },
      { leaseMs: 1 },
    )
    await expect(late).rejects.toMatchObject({ code: 'conflict' })
    expect(await store.get(run)).toMatchObject({ status: 'in_progress', owner: 'heir' })
  })

  it('throws what the function threw, also if that throws at every touch', async () => {
    const odd = new Proxy(new Error('odd'), { get: throws(new Error('do not touch')) })
    const caught = withRunOnce(store, newRun(), throws(odd)).catch((thrown) => Object.is(thrown, odd))
    expect(await caught).toBe(true)
  })

  it('throws what the function threw, also if Redis is gone by then', async () => {
    const redis = connect()
    const run = newRun()
    const error = new Error('the cable is cut')
    const perform = () => {
      redis.disconnect()
      throw error
    }
    await expect(withRunOnce(redisRunOnceStore(redis), run, perform)).rejects.toBe(error)
    expect(await store.get(run)).toMatchObject({ status: 'in_progress' })
  })

  it.each([{ leaseMs: 0 }, { retentionMs: 0 }, { owner: '' }])('refuses %j before it runs anything', async (wrong) => {
    const run = newRun()
    const work = counting(() => 1)
    await expect(withRunOnce(store, run, work.perform, wrong)).rejects.toMatchObject({ code: 'validation_failed' })
    expect([work.calls, await store.get(run)]).toEqual([0, undefined])
  })

  it('keeps the result for as long as it is told', async () => {
    const run = newRun()
    await withRunOnce(store, run, () => 1, { retentionMs: 1 })
    await untilFree(store, run)
  })
})
