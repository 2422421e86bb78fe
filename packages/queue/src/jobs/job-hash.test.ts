import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { atEndOfFile } from '@foliot/testkit'
import type { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { NO_ENVELOPE } from '../enqueue/envelope.ts'
import { openTestQueues, succeed } from '../fixtures/test-queues.ts'
import { jobKey } from '../keys.ts'
import { connectForLoops } from '../redis/connection.ts'
import { readStoredJob, type StoredJob, statusOf, toJob } from './job-hash.ts'

const q = await openTestQueues()

const fields = {
  name: 'mail.send',
  data: '{"to":"a@b.c"}',
  opts: '{"attempts":5}',
  timestamp: '1000',
  priority: '0',
  env: JSON.stringify(NO_ENVELOPE),
}

const stored = (more: Record<string, string> = {}, place: Partial<StoredJob> = {}): StoredJob => ({
  queue: 'mail',
  id: 'id-1',
  fields: { ...fields, ...more },
  locked: false,
  delayedScore: null,
  ...place,
})

const due = { delayedScore: String(5000 * 4096 + 3) }

describe('statusOf', () => {
  it.each([
    ['queued', stored()],
    ['queued', stored({ st: 'retrying' })],
    ['running', stored({}, { locked: true })],
    ['scheduled', stored({}, due)],
    ['scheduled', stored({ st: 'scheduled' }, due)],
    ['retrying', stored({ st: 'retrying' }, due)],
    ['succeeded', stored({ finishedOn: '9', st: 'succeeded' })],
    ['failed', stored({ finishedOn: '9', st: 'failed' })],
    ['timed_out', stored({ finishedOn: '9', st: 'timed_out' })],
    ['cancelled', stored({ finishedOn: '9', st: 'cancelled' })],
  ])('is %s', (status, job) => {
    expect(statusOf(job)).toBe(status)
  })

  it('understands what a worker of plain BullMQ has finished, also after attempts of ours', () => {
    expect(statusOf(stored({ finishedOn: '9', returnvalue: 'null' }))).toBe('succeeded')
    expect(statusOf(stored({ finishedOn: '9', failedReason: 'no' }))).toBe('failed')
    const retried = { st: 'retrying', failedReason: 'the first time' }
    expect(statusOf(stored({ finishedOn: '9', ...retried, returnvalue: '1' }))).toBe('succeeded')
    expect(statusOf(stored({ finishedOn: '9', ...retried }))).toBe('failed')
  })
})

describe('toJob', () => {
  it('shows when a job that waits for its time is due', () => {
    expect(toJob(stored({}, due))).toMatchObject({
      nextAttemptAt: '1970-01-01T00:00:05.000Z',
      createdAt: '1970-01-01T00:00:01.000Z',
    })
  })

  it('shows no start from before the job was made, in the field and in the timeline', () => {
    const startOf = (processedOn: string) => {
      const { startedAt, timeline } = toJob(stored({ processedOn, ats: '1' }, { locked: true }))
      return [startedAt, timeline.find(({ event }) => event === 'started')?.at]
    }
    const [made, later] = ['1970-01-01T00:00:01.000Z', '1970-01-01T00:00:01.001Z']
    expect(startOf('999')).toEqual([made, made])
    expect(startOf('1000')).toEqual([made, made])
    expect(startOf('1001')).toEqual([later, later])
  })

  it('shows the last failure until the job succeeds', () => {
    const failure = { failedReason: 'no', en: 'TypeError', ek: 'http', fp: 'http-1', stacktrace: '["old","new"]' }
    const error = { name: 'TypeError', message: 'no', kind: 'http', stack: 'new', fingerprint: 'http-1' }
    expect(toJob(stored({ ...failure, st: 'retrying' }, due)).error).toEqual(error)
    expect(toJob(stored({ ...failure, st: 'succeeded', finishedOn: '9', returnvalue: '{"a":1}' }))).toMatchObject({
      error: null,
      output: { a: 1 },
    })
    const fingerprint = expect.stringMatching(/^error-[0-9a-f]{16}$/)
    const plain = { name: 'Error', message: 'no', kind: 'error', fingerprint }
    expect(toJob(stored({ failedReason: 'no' })).error).toEqual(plain)
  })

  it('shows no output of a cancelled job, and when a dead letter was discarded', () => {
    const cancelled = {
      finishedOn: '9',
      st: 'cancelled',
      returnvalue: '{"cancelled":{"by":"handler","reason":"gone"}}',
    }
    expect(toJob(stored(cancelled))).toMatchObject({ status: 'cancelled', output: null, error: null })
    const discarded = toJob(stored({ finishedOn: '9', st: 'failed', discardedAt: '12' }))
    expect(discarded).toMatchObject({ status: 'failed', discardedAt: '1970-01-01T00:00:00.012Z' })
  })

  it.each([
    ['timestamp', 'x', { createdAt: '1970-01-01T00:00:00.000Z' }],
    ['timestamp', '9e99', { createdAt: '1970-01-01T00:00:00.000Z' }],
    ['data', '{"a":', { input: '{"a":' }],
    ['opts', 'null', { maxAttempts: 1 }],
    ['opts', '{', { maxAttempts: 1 }],
    ['env', '5', { labels: {}, tenant: '?' }],
    ['env', '{', { version: 1 }],
    ['ats', 'abc', { attempt: 0 }],
    ['atm', 'abc', { attemptsUsed: 0 }],
    ['priority', 'x', { priority: 0 }],
    ['progress', '{', { progress: null }],
    ['processedOn', 'soon', { status: 'queued' }],
    ['stacktrace', '5', { status: 'queued' }],
    ['a1', '5', { timeline: [{ event: 'created' }] }],
    ['a1', '{"n":1}', { timeline: [{ event: 'created' }] }],
    ['ev', '{\n7\n{"event":"promoted"}', { timeline: [{ event: 'created' }] }],
  ])('shows a job whose %s is %j all the same', (name, value, shown) => {
    const job = toJob(stored({ failedReason: 'no', [name]: value }))
    expect(job).toMatchObject(shown)
    expect(() => JSON.stringify(job)).not.toThrow()
  })

  it('shows a job of which nothing is left', () => {
    expect(toJob(stored({}, { fields: { processedOn: '9' } }))).toMatchObject({
      type: '',
      input: null,
      status: 'queued',
    })
  })
})

/** A connection that, of commands sent together, lets the first `count` through, then `meanwhile` happen, then the rest. */
async function connectWithGap(count: number, meanwhile: () => Promise<unknown>): Promise<Redis> {
  let ready = false
  const server = createServer((socket) => {
    const upstream = connect(q.redis.options.port as number).on('error', () => socket.destroy())
    socket.on('error', () => upstream.destroy()).on('close', () => upstream.destroy())
    upstream.pipe(socket)
    socket.on('data', async (chunk) => {
      if (!ready) return upstream.write(chunk)
      const commands = chunk.toString('latin1').split(/(?=\*\d+\r\n)/)
      upstream.write(commands.slice(0, count).join(''), 'latin1')
      await once(upstream, 'data')
      await meanwhile()
      upstream.write(commands.slice(count).join(''), 'latin1')
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const redis = connectForLoops(`redis://127.0.0.1:${(server.address() as AddressInfo).port}/${q.redis.options.db}`)
  atEndOfFile(async () => {
    redis.disconnect()
    server.close()
  })
  await redis.ping()
  ready = true
  return redis
}

describe('readStoredJob', () => {
  it('finds no job where there is none, or something else', async () => {
    const queue = q.newQueue()
    expect(await readStoredJob(q.redis, queue, 'a')).toBeUndefined()
    await q.redis.set(jobKey(queue, 'b'), 'text')
    expect(await readStoredJob(q.redis, queue, 'b')).toBeUndefined()
  })

  it.each([1, 2])('shows a job that ends after %d of its reads as ended', async (reads) => {
    const queue = q.newQueue()
    const { id } = await q.add(queue)
    const end = Promise.withResolvers<void>()
    await q.consume(queue, async () => {
      await end.promise
      return succeed()
    })
    const redis = await connectWithGap(reads, async () => {
      end.resolve()
      await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
    })
    await q.readWhen(queue, id, ({ status }) => status === 'running')
    expect(statusOf((await readStoredJob(redis, queue, id)) as StoredJob)).toBe('succeeded')
  })
})
