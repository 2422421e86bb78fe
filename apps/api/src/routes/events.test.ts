import { once } from 'node:events'
import { createConnection } from 'node:net'
import { echo } from '@foliot/example-demo/jobs'
import { describeJob, type Job } from '@foliot/jobs'
import { announce } from '@foliot/queue'
import { atEndOfFile, startRedis, waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { EventReader, type SeenEvent } from '../fixtures/event-reader.ts'
import { retryLater, runAsAsked } from '../fixtures/runs.ts'
import { openTestApi, type TestApi } from '../fixtures/test-api.ts'

const api = await openTestApi()

const follow = (query = '', lastEventId?: string, at: TestApi = api): Promise<EventReader> =>
  EventReader.open(`${at.url}/v1/events${query}`, lastEventId === undefined ? {} : { 'last-event-id': lastEventId })

const beside = (other: TestApi): Promise<TestApi> => {
  const { port, db } = other.redis.options
  return openTestApi({ redisUrl: `redis://127.0.0.1:${port}/${db}` })
}

const cancel = (id: string, at: TestApi = api) => at.post(`/v1/jobs/${id}/cancel`)

const later = (at: TestApi = api): Promise<Job> => at.echo(1, { delayMs: 3_600_000 })

/** Names and jobs of events. */
const short = (events: readonly SeenEvent[]): [event: string, jobId: string][] =>
  events.map(({ event, data }) => [event, JSON.parse(data).jobId])

describe('GET /v1/events', () => {
  it('tells what happens to jobs, from now on', async () => {
    const old = await api.echo(1, { delayMs: 3_600_000 })
    const reader = await follow()
    const [good, bad, put] = [await api.echo(), await send('demo.fail', { times: 1 }), await later()]
    const consumer = await api.consume(runAsAsked, { concurrency: 1 })
    await cancel(old.id)
    await cancel(put.id)
    const events = short(await reader.take(9))
    const of = (id: string) => events.filter(([, jobId]) => jobId === id).map(([event]) => event)
    expect(of(good.id)).toEqual(['queued', 'started', 'succeeded'])
    expect(of(bad.id)).toEqual(['queued', 'started', 'failed'])
    expect(of(put.id)).toEqual(['scheduled', 'cancelled'])
    expect(of(old.id)).toEqual(['cancelled'])
    reader.close()
    await consumer.stop(0)
  })

  it('says of each its job, queue and time, and when a job that waits may start', async () => {
    const reader = await follow('?event=scheduled,cancelled')
    const before = Date.now()
    const job = await later()
    await cancel(job.id)
    const [scheduled, cancelled] = await reader.take(2)
    const data = JSON.parse(scheduled?.data ?? '')
    expect(data).toEqual({ jobId: job.id, queue: 'demo', at: expect.any(String), runAt: job.runAt })
    expect(Date.parse(data.at)).toBeGreaterThanOrEqual(before)
    expect(JSON.parse(cancelled?.data ?? '')).toEqual({ jobId: job.id, queue: 'demo', at: expect.any(String) })
    reader.close()
  })

  it('gives those that are asked for alone', async () => {
    const one = await later()
    const [byJob, byEvent, byType, byQueue] = await Promise.all([
      follow(`?jobId=${one.id}`),
      follow('?event=cancelled&event=started'),
      follow('?type=demo.fail&event=cancelled'),
      follow('?queue=demo&event=cancelled'),
    ])
    const two = await send('demo.fail', { times: 1 }, { delayMs: 3_600_000 })
    await cancel(two.id)
    await cancel(one.id)
    expect(short([await byJob.next()])).toEqual([['cancelled', one.id]])
    expect(short(await byEvent.take(2))).toEqual([
      ['cancelled', two.id],
      ['cancelled', one.id],
    ])
    expect(short(await byQueue.take(2))).toEqual([
      ['cancelled', two.id],
      ['cancelled', one.id],
    ])
    const typed = await byType.next()
    expect(JSON.parse(typed.data)).toMatchObject({ jobId: two.id, type: 'demo.fail' })
    for (const reader of [byJob, byEvent, byType, byQueue]) reader.close()
  })

  it('goes on behind the last event, at another api too, with nothing lost and nothing twice', async () => {
    const other = await beside(api)
    const whole = await follow('?event=scheduled')
    const first = await follow('?event=scheduled')
    const jobs: Job[] = []
    for (let n = 0; n < 10; n++) jobs.push(await later())
    const seen = await first.take(4)
    first.close()
    const second = await follow('?event=scheduled', seen.at(-1)?.id, other)
    seen.push(...(await second.take(6)))
    second.close()
    for (let n = 0; n < 5; n++) jobs.push(await later())
    const third = await follow('?event=scheduled', seen.at(-1)?.id)
    seen.push(...(await third.take(5)))
    for (let n = 0; n < 5; n++) jobs.push(await later(other))
    seen.push(...(await third.take(5)))
    third.close()
    expect(short(seen)).toEqual(jobs.map(({ id }) => ['scheduled', id]))
    expect(short(await whole.take(20))).toEqual(short(seen))
    whole.close()
  })

  it('misses nothing while readers come again and again', async () => {
    const total = 600
    const [reader, first] = [await follow('?event=scheduled'), await follow('?event=scheduled')]
    const storing = (async () => {
      for (let n = 0; n < total / 100; n++) {
        const jobs = Array.from({ length: 100 }, () => ({ type: 'demo.echo', input: 1, delayMs: 3_600_000 }))
        await api.post('/v1/jobs/batch', { jobs })
      }
    })()
    const restless = [await first.next()]
    first.close()
    while (restless.length < total) {
      const again = await follow('?event=scheduled', restless.at(-1)?.id)
      restless.push(...(await again.take(Math.min(37, total - restless.length))))
      again.close()
    }
    await storing
    const steady = short(await reader.take(total))
    reader.close()
    expect(new Set(steady.map(([, id]) => id)).size).toBe(total)
    expect(short(restless)).toEqual(steady)
  })

  it('lets a reader to whom nothing was sent come again to where it was', async () => {
    const own = await openTestApi()
    const reader = await follow('?event=cancelled', undefined, own)
    const rest = reader.rest()
    const [one, two] = [await later(own), await later(own)]
    const last = await waitUntil(async () => {
      const [id] = (await own.redis.xrevrange('foliot:{demo}:events', '+', '-', 'COUNT', 1))[0] ?? []
      return reader.lastEventId === `demo=${id}` ? reader.lastEventId : undefined
    })
    reader.close()
    await rest.catch(() => undefined)
    await cancel(one.id, own)
    const again = await follow('', last, own)
    await cancel(two.id, own)
    expect(short(await again.take(2))).toEqual([
      ['cancelled', one.id],
      ['cancelled', two.id],
    ])
    again.close()
  })

  it('says that events are missing when the stream was trimmed', async () => {
    const own = await openTestApi()
    const reader = await follow('', undefined, own)
    const jobs = [await later(own), await later(own), await later(own), await later(own)]
    const [first] = await reader.take(4)
    reader.close()
    await own.redis.xtrim('foliot:{demo}:events', 'MAXLEN', 2)
    const again = await follow('', first?.id, own)
    const [gap, ...rest] = await again.take(3)
    expect([gap?.event, JSON.parse(gap?.data ?? '')]).toEqual(['gap', { queue: 'demo' }])
    expect(short(rest)).toEqual(jobs.slice(2).map(({ id }) => ['scheduled', id]))
    again.close()
    const beyond = await follow('', `demo=${Date.now() + 3_600_000}-0`, own)
    expect((await beyond.next()).event).toBe('gap')
    const next = await later(own)
    expect(short([await beyond.next()])).toEqual([['scheduled', next.id]])
    beyond.close()
  })

  it('says so if the type of a job is no longer known', async () => {
    const own = await openTestApi()
    const reader = await follow('', undefined, own)
    const job = await later(own)
    const { id } = await reader.next()
    reader.close()
    await cancel(job.id, own)
    await own.redis.del(`foliot:{demo}:${job.id}`)
    const again = await follow('?type=demo.echo', id, own)
    const gap = await again.next()
    expect([gap.event, JSON.parse(gap.data)]).toEqual(['gap', { queue: 'demo' }])
    again.close()
  })

  it('tells of a queue that is newer than the stream, and resumes over both', async () => {
    const own = await openTestApi()
    const reader = await follow('', undefined, own)
    const one = await later(own)
    await announce(own.redis, [{ ...describeJob(echo), name: 'other.echo', queue: 'other' }])
    await own.catalog.refresh()
    const two = (await own.post('/v1/jobs', { type: 'other.echo', input: 1 })).job(202)
    const events = await reader.take(2)
    expect(short(events)).toEqual([
      ['scheduled', one.id],
      ['queued', two.id],
    ])
    reader.close()
    const more = [await later(own), (await own.post('/v1/jobs', { type: 'other.echo', input: 1 })).job(202)]
    const again = await follow('', events.at(-1)?.id, own)
    expect(
      short(await again.take(2))
        .map(([, id]) => id)
        .toSorted(),
    ).toEqual(more.map(({ id }) => id).toSorted())
    again.close()
    expect(short([await (await follow('?queue=other', events.at(-1)?.id, own)).next()])).toEqual([
      ['queued', more[1]?.id],
    ])
  })

  it('shares one connection to Redis among all readers of a queue, and those who wait for jobs', async () => {
    const own = await openTestApi()
    const connections = async () =>
      ((await own.redis.client('LIST')) as string)
        .split('\n')
        .filter((line) => line.includes(` db=${own.redis.options.db} `)).length
    const before = await connections()
    const readers = await Promise.all(Array.from({ length: 5 }, () => follow('', undefined, own)))
    const job = await later(own)
    const waiting = own.get(`/v1/jobs/${job.id}/wait?timeoutMs=60000`)
    await cancel(job.id, own)
    expect((await waiting).job(200).status).toBe('cancelled')
    // One for the queue, and one for what happens to schedules.
    expect(await connections()).toBe(before + 2)
    for (const reader of readers) {
      expect(short(await reader.take(2)).map(([event]) => event)).toEqual(['scheduled', 'cancelled'])
      reader.close()
    }
    await waitUntil(async () => (await connections()) === before)
  })

  it('tells of a retry as scheduled', async () => {
    const job = await api.echo()
    const reader = await follow(`?jobId=${job.id}&event=scheduled`)
    const consumer = await api.consume(async ({ claim }) =>
      claim.id === job.id ? retryLater() : { kind: 'succeeded', output: '1' },
    )
    const { data } = await reader.next()
    expect(Date.parse(JSON.parse(data).runAt)).toBeGreaterThan(Date.parse(JSON.parse(data).at))
    reader.close()
    await consumer.stop(0)
  })
})

describe('what is refused', () => {
  it.each(['x', '1-0', 'demo=1', 'demo=1-0,demo=2-0', "demo=1-0' or 1=1", 'demo=1-0, mail=1-0'])(
    'a Last-Event-ID that is none: %s',
    async (id) => {
      const answer = await api.get('/v1/events', { 'last-event-id': id })
      expect(answer.problem(400, 'validation_failed').errors?.[0]?.path).toBe('/last-event-id')
    },
  )

  it('a Last-Event-ID of another queue', async () => {
    const answer = await api.get('/v1/events?queue=demo', { 'last-event-id': 'other=1-0' })
    answer.problem(400, 'validation_failed')
  })

  it.each(['event=ended', 'event=', 'status=failed', 'jobId=', 'type=', 'queue=demo&queue=demo'])(
    '%s',
    async (query) => {
      ;(await api.get(`/v1/events?${query}`)).problem(400, 'validation_failed')
    },
  )

  it('a queue that there is not', async () => {
    ;(await api.get('/v1/events?queue=nowhere')).problem(404, 'not_found')
  })

  it('one stream more than there may be', async () => {
    const small = await openTestApi({ streams: { most: 1 } })
    const reader = await follow('', undefined, small)
    const answer = await small.get('/v1/events')
    answer.problem(503, 'unavailable')
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    reader.close()
  })

  it('HEAD opens no stream', async () => {
    const answer = await api.send('HEAD', '/v1/events')
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8'])
  })
})

describe('a reader that takes nothing', () => {
  it.each([
    ['takes nothing for too long', { patienceMs: 3000 }, 0],
    ['is too far behind', { patienceMs: 3_600_000 }, 12_000],
  ])('is cut off when it %s, and the others are not', async (_, streams, more) => {
    const own = await openTestApi({ streams })
    const socket = createConnection(Number(new URL(own.url).port), '127.0.0.1')
    socket.on('error', () => undefined)
    atEndOfFile(async () => void socket.destroy())
    await once(socket, 'connect')
    socket.write('GET /v1/events?event=progress HTTP/1.1\r\nhost: x\r\n\r\n')
    await once(socket, 'data')
    socket.pause()
    const reader = await follow('?event=cancelled,progress', undefined, own)
    const sockets = () => new Promise<number>((resolve) => own.app.server.getConnections((_, n) => resolve(n)))
    const before = await sockets()
    const taken = (async () => {
      for (;;) if ((await reader.next()).event === 'cancelled') return true
    })()
    const report = async (count: number, progress: string) => {
      const data = ['event', 'progress', 'jobId', 'x', 'data', JSON.stringify(progress)]
      const writes = own.redis.pipeline()
      for (let n = 0; n < count; n++) writes.xadd('foliot:{demo}:events', 'MAXLEN', '~', 10_000, '*', ...data)
      await writes.exec()
    }
    // More than the buffers between here and there hold.
    for (let round = 0; round < 5; round++) await report(1000, 'x'.repeat(4000))
    for (let round = 0; round < more / 1000; round++) await report(1000, '')
    await waitUntil(async () => (await sockets()) < before)
    const job = await later(own)
    await cancel(job.id, own)
    expect(await taken).toBe(true)
    reader.close()
  })
})

describe('while Redis is away', () => {
  it('a stream ends with the reason, and goes on where it was when Redis is back', async () => {
    const server = await startRedis()
    const own = await openTestApi({ redisUrl: server.url })
    const reader = await follow('', undefined, own)
    const job = await later(own)
    const { id } = await reader.next()
    await server.kill()
    const [event, ...others] = await reader.rest()
    expect([event?.event, event?.id, others]).toEqual(['error', id, []])
    expect(JSON.parse(event?.data ?? '')).toMatchObject({ code: 'unavailable', status: 503 })
    ;(await own.get('/v1/events', { 'last-event-id': id })).problem(503, 'unavailable')
    await startRedis({ dir: server.dir, port: server.port })
    await waitUntil(async () => (await cancel(job.id, own)).status === 200)
    const again = await follow('', id, own)
    expect(short([await again.next()])).toEqual([['cancelled', job.id]])
    again.close()
  })
})

const send = async (type: string, input: unknown, more = {}): Promise<Job> =>
  (await api.post('/v1/jobs', { type, input, ...more })).job(202)
