import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { LIMITS } from '@foliot/jobs'
import type { RunningAttempt } from '@foliot/queue'
import { atEndOfFile, startRedis, testDatabaseUrl, waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { EventReader, type SeenEvent } from '../fixtures/event-reader.ts'
import { startRecorder } from '../fixtures/recorder.ts'
import { dead, runAsAsked } from '../fixtures/runs.ts'
import { openTestApi, type TestApi } from '../fixtures/test-api.ts'

const api = await openTestApi()

/** A job that runs until it is let go. It may be redriven. */
async function running(at: TestApi = api) {
  const { id } = await at.echo()
  const held = Promise.withResolvers<RunningAttempt>()
  const go = Promise.withResolvers<'succeeded' | 'dead'>()
  const consumer = await at.consume(
    async (attempt) => {
      held.resolve(attempt)
      return (await go.promise) === 'dead' ? dead() : { kind: 'succeeded', output: '1' }
    },
    { concurrency: 1 },
  )
  const attempt = await held.promise
  const write = async (...lines: string[]): Promise<void> => {
    for (const line of lines) attempt.log(line)
    await attempt.flushLog()
  }
  const end = async (how: 'succeeded' | 'dead' = 'succeeded'): Promise<void> => {
    go.resolve(how)
    await at.get(`/v1/jobs/${id}/wait?timeoutMs=60000`)
    await consumer.stop(0)
  }
  return { id, write, end }
}

const follow = (id: string, lastEventId?: number | string, at: TestApi = api): Promise<EventReader> =>
  EventReader.open(
    `${at.url}/v1/jobs/${id}/logs`,
    lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) },
  )

const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => `line ${from + i}`)

/** What a stream sends of such lines. */
const sent = (from: number, to: number): SeenEvent[] =>
  Array.from({ length: to - from + 1 }, (_, i) => ({
    id: String(from + i),
    event: 'message',
    data: `line ${from + i}`,
  }))

const ended = (id: number, status = 'succeeded'): SeenEvent => ({
  id: id === 0 ? '' : String(id),
  event: 'end',
  data: JSON.stringify({ status }),
})

const beside = (other: TestApi, databaseUrl?: string): Promise<TestApi> => {
  const { port, db } = other.redis.options
  return openTestApi({ redisUrl: `redis://127.0.0.1:${port}/${db}`, ...(databaseUrl && { databaseUrl }) })
}

const isGone = async (at: TestApi, id: string): Promise<boolean> => (await at.redis.exists(`foliot:{demo}:${id}`)) === 0

describe('the log as text', () => {
  it('has the lines so far, and says how many are no longer kept', async () => {
    const { id, write, end } = await running()
    await write('one', 'two')
    const read = () => api.get(`/v1/jobs/${id}/logs`)
    expect((await read()).body).toBe('one\ntwo\n')
    await write(...numbered(3, LIMITS.logLines + 5))
    const lines = ['… [5 earlier lines were left out]', ...numbered(6, LIMITS.logLines + 5), '']
    expect((await read()).body.split('\n')).toEqual(lines)
    await end()
    expect((await read()).body.split('\n')).toEqual(lines)
  })

  it('cuts a line of 10 MB, and says so', async () => {
    const { id, write, end } = await running()
    await write('x'.repeat(10_000_000), 'next')
    await end()
    const [line = '', next] = (await api.get(`/v1/jobs/${id}/logs`)).body.split('\n')
    expect(line).toMatch(/^x+… \[cut from 10000000 bytes\]$/)
    expect(Buffer.byteLength(line)).toBeLessThanOrEqual(LIMITS.logLineBytes)
    expect(next).toBe('next')
    expect((await (await follow(id)).rest()).map(({ data }) => data)).toEqual([line, 'next', '{"status":"succeeded"}'])
  })

  it.each([
    ['', { accept: 'text/plain' }, 'text/plain'],
    ['', { accept: 'application/json' }, 'text/plain'],
    ['?follow=false', { accept: 'text/event-stream' }, 'text/plain'],
    ['', { accept: 'text/event-stream' }, 'text/event-stream'],
    ['?follow=true', { accept: 'text/plain' }, 'text/event-stream'],
    ['?follow=true', {}, 'text/event-stream'],
  ] as const)('is what %s with %j gets, or else its events: %s', async (query, headers, type) => {
    const { id } = await api.echo(1, { delayMs: 3_600_000 })
    await api.post(`/v1/jobs/${id}/cancel`)
    for (const method of ['GET', 'HEAD']) {
      const answer = await api.send(method, `/v1/jobs/${id}/logs${query}`, undefined, headers)
      expect([method, answer.status, answer.headers.get('content-type')]).toEqual([
        method,
        200,
        `${type}; charset=utf-8`,
      ])
    }
  })
})

describe('a stream of a log', () => {
  it('has the lines so far, each new one, and the end', async () => {
    const { id, write, end } = await running()
    await write(...numbered(1, 120))
    const reader = await follow(id)
    expect(await reader.take(120)).toEqual(sent(1, 120))
    await write('line 121')
    expect(await reader.next()).toEqual(sent(121, 121)[0])
    await write(...numbered(122, 124))
    await end()
    expect(await reader.rest()).toEqual([...sent(122, 124), ended(124)])
  })

  it('of a job that has not begun waits for it', async () => {
    const { id } = await api.echo(1, { delayMs: 3_600_000 })
    const reader = await follow(id)
    await api.post(`/v1/jobs/${id}/cancel`)
    expect(await reader.rest()).toEqual([ended(0, 'cancelled')])
  })

  it('keeps each line what it was, whatever it holds', async () => {
    const { id, write, end } = await running()
    const lines = ['', ' with space', 'with\nbreak\n', ':no comment', 'data: x', 'ü\u{1F600}\u0000', 'id: 7']
    await write(...lines)
    await end()
    const events = await (await follow(id)).rest()
    expect(events.slice(0, -1)).toEqual(lines.map((data, i) => ({ id: String(i + 1), event: 'message', data })))
  })

  it('goes on behind the last event, at another api too', async () => {
    const other = await beside(api)
    const { id, write, end } = await running()
    await write(...numbered(1, 10))
    const first = await follow(id)
    const seen = await first.take(4)
    first.close()
    const second = await follow(id, seen.at(-1)?.id, other)
    seen.push(...(await second.take(6)))
    second.close()
    await write(...numbered(11, 12))
    await end()
    seen.push(...(await (await follow(id, seen.at(-1)?.id)).rest()))
    expect(seen).toEqual([...sent(1, 12), ended(12)])
    expect(await (await follow(id, 12, other)).rest()).toEqual([ended(12)])
    expect((await (await follow(id, '', other)).rest()).length).toBe(13)
  })

  it('says how many lines it cannot give any more', async () => {
    const { id, write, end } = await running()
    await write(...numbered(1, 10))
    const reader = await follow(id)
    expect(await reader.take(10)).toEqual(sent(1, 10))
    const last = LIMITS.logLines + 30
    await write(...numbered(11, last))
    // The reader that was there meanwhile may have met them in parts, and misses none silently.
    await end()
    const cut: SeenEvent = { id: '30', event: 'cut', data: '{"lines":26}' }
    expect(await (await follow(id, 4)).rest()).toEqual([cut, ...sent(31, last), ended(last)])
    expect(await (await follow(id, 30)).rest()).toEqual([...sent(31, last), ended(last)])
    expect(accountFor(await reader.rest(), 10)).toBe(last)
  })

  it('tells every reader the same while lines come fast', async () => {
    const { id, write, end } = await running()
    const readers = await Promise.all(Array.from({ length: 5 }, () => follow(id)))
    const seen = readers.map((reader) => reader.rest())
    for (let n = 0; n < 40; n++) await write(...numbered(n * 50 + 1, n * 50 + 50))
    await end()
    for (const events of await Promise.all(seen)) expect(accountFor(events, 0)).toBe(2000)
  })

  it('goes on after a redrive', async () => {
    const { id, write, end } = await running()
    await write('line 1')
    await end('dead')
    expect(await (await follow(id)).rest()).toEqual([...sent(1, 1), ended(1, 'failed')])
    await api.post(`/v1/jobs/${id}/retry`)
    const reader = await follow(id, 1)
    const consumer = await api.consume(async (attempt) => {
      attempt.log('line 2')
      await attempt.flushLog()
      return { kind: 'succeeded', output: '1' }
    })
    expect(await reader.rest()).toEqual([...sent(2, 2), ended(2)])
    await consumer.stop(0)
  })

  it('says so when the job is deleted under it', async () => {
    const { id, write, end } = await running()
    await write('line 1')
    const reader = await follow(id)
    await reader.next()
    await api.redis.del(`foliot:{demo}:${id}`)
    const [event] = await reader.rest()
    expect(event?.event).toBe('error')
    expect(JSON.parse(event?.data ?? '')).toMatchObject({ code: 'not_found', status: 404 })
    await end()
  })

  it('shows that it lives while nothing happens', async () => {
    const lively = await openTestApi({ streams: { heartbeatMs: 5 } })
    const { id } = await lively.echo(1, { delayMs: 3_600_000 })
    const reader = await follow(id, undefined, lively)
    const rest = reader.rest()
    await waitUntil(() => reader.comments.length >= 3)
    await lively.post(`/v1/jobs/${id}/cancel`)
    expect(await rest).toEqual([ended(0, 'cancelled')])
  })
})

describe('with a history', () => {
  it('a stream goes on when the job leaves Redis, and is resumed from there by the same ids', async () => {
    const databaseUrl = await testDatabaseUrl()
    const live = await openTestApi({ databaseUrl })
    const other = await beside(live, databaseUrl)
    await startRecorder(live, databaseUrl)
    const { id, write, end } = await running(live)
    const last = LIMITS.logLines + 20
    await write(...numbered(1, last))
    const reader = await follow(id, undefined, live)
    const seen = await reader.take(100)
    await end()
    await waitUntil(() => isGone(live, id))
    seen.push(...(await reader.rest()))
    expect(seen).toEqual([{ id: '20', event: 'cut', data: '{"lines":20}' }, ...sent(21, last), ended(last)])
    expect(await (await follow(id, 17, other)).rest()).toEqual([
      { id: '20', event: 'cut', data: '{"lines":3}' },
      ...sent(21, last),
      ended(last),
    ])
    expect(await (await follow(id, last - 1, other)).rest()).toEqual([...sent(last, last), ended(last)])
    expect(await (await follow(id, last, other)).rest()).toEqual([ended(last)])
    const text = ['… [20 earlier lines were left out]', ...numbered(21, last), ''].join('\n')
    expect((await other.get(`/v1/jobs/${id}/logs`)).body).toBe(text)
    const beyond = await other.get(`/v1/jobs/${id}/logs?follow=true`, { 'last-event-id': String(last + 1) })
    beyond.problem(400, 'validation_failed')
  })

  it('a line has its number also where the history kept fewer', async () => {
    const databaseUrl = await testDatabaseUrl()
    const live = await openTestApi({ databaseUrl })
    await startRecorder(live, databaseUrl)
    const { id, write, end } = await running(live)
    const last = LIMITS.logLines + 20
    await write(...numbered(1, last).map((line) => `${line} ${'x'.repeat(2000)}`))
    await end()
    await waitUntil(() => isGone(live, id))
    const [cut, ...lines] = await (await follow(id, undefined, live)).rest()
    expect(cut?.event).toBe('cut')
    expect(JSON.parse(cut?.data ?? '')).toEqual({ lines: Number(cut?.id) })
    expect(Number(cut?.id)).toBeGreaterThan(20)
    expect(accountFor([cut as SeenEvent, ...lines], 0)).toBe(last)
    expect(lines.at(-2)?.data).toMatch(new RegExp(`^line ${last} x`))
  })

  it('a job that logged nothing has an end', async () => {
    const databaseUrl = await testDatabaseUrl()
    const live = await openTestApi({ databaseUrl })
    await startRecorder(live, databaseUrl)
    const { id } = await live.echo()
    await live.consume(runAsAsked)
    await waitUntil(() => isGone(live, id))
    expect(await (await follow(id, undefined, live)).rest()).toEqual([ended(0)])
  })
})

describe('what is refused', () => {
  it.each(['x', '-1', '1.5', '0x1', '1e3', '9'.repeat(16), '1, 2', 'ü', "1' or 1=1"])(
    'a Last-Event-ID that is none: %s',
    async (id) => {
      const job = await api.echo(1, { delayMs: 3_600_000 })
      const header = Buffer.from(id).toString('latin1')
      const answer = await api.get(`/v1/jobs/${job.id}/logs?follow=true`, { 'last-event-id': header })
      expect(answer.problem(400, 'validation_failed').errors?.[0]?.path).toBe('/last-event-id')
    },
  )

  it('a Last-Event-ID that is further than the log', async () => {
    const { id, write, end } = await running()
    await write('line 1')
    const answer = await api.get(`/v1/jobs/${id}/logs`, { accept: 'text/event-stream', 'last-event-id': '2' })
    expect(answer.problem(400, 'validation_failed').detail).toContain('the log has 1 lines, got 2')
    await end()
  })

  it('a job that there is not, and what the route does not know', async () => {
    const none = '019c0000-0000-7000-8000-000000000000'
    for (const id of [none, 'x']) {
      ;(await api.get(`/v1/jobs/${id}/logs`, { accept: 'text/event-stream' })).problem(404, 'not_found')
      ;(await api.get(`/v1/jobs/${id}/logs`)).problem(404, 'not_found')
    }
    for (const query of ['follow=1', 'follow=', 'follow=true&follow=true', 'tail=1']) {
      ;(await api.get(`/v1/jobs/${none}/logs?${query}`)).problem(400, 'validation_failed')
    }
  })

  it('one stream more than there may be, until one of them is closed', async () => {
    const small = await openTestApi({ streams: { most: 2 } })
    const { id } = await small.echo(1, { delayMs: 3_600_000 })
    const [one] = [await follow(id, undefined, small), await follow(id, undefined, small)]
    const answer = await small.get(`/v1/jobs/${id}/logs?follow=true`)
    expect(answer.problem(503, 'unavailable').detail).toContain('at most 2 open streams')
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await small.get(`/v1/jobs/${id}/logs`)).status).toBe(200)
    one.close()
    const again = await waitUntil(() => follow(id, undefined, small).catch(() => undefined))
    await small.post(`/v1/jobs/${id}/cancel`)
    expect(await again.rest()).toEqual([ended(0, 'cancelled')])
  })
})

describe('a reader that takes nothing', () => {
  it('is cut off, and the others are not', async () => {
    const short = await openTestApi({ streams: { patienceMs: 3000 } })
    const { id, write, end } = await running(short)
    const socket = await connectTo(short)
    socket.write(`GET /v1/jobs/${id}/logs?follow=true HTTP/1.1\r\nhost: x\r\n\r\n`)
    await once(socket, 'data')
    socket.pause()
    const reader = await follow(id, undefined, short)
    const rest = reader.rest()
    const sockets = () => new Promise<number>((resolve) => short.app.server.getConnections((_, n) => resolve(n)))
    const before = await sockets()
    // More than the buffers between here and there hold.
    for (let n = 0; n < 3; n++) await write(...Array.from({ length: 1000 }, () => 'y'.repeat(LIMITS.logLineBytes)))
    await waitUntil(async () => (await sockets()) < before)
    await end()
    expect(accountFor(await rest, 0)).toBe(3000)
  })
})

describe('while Redis is away', () => {
  it('a stream ends with the reason, and goes on where it was when Redis is back', async () => {
    const server = await startRedis()
    const own = await openTestApi({ redisUrl: server.url })
    const { id, write, end } = await running(own)
    await write(...numbered(1, 3))
    const reader = await follow(id, undefined, own)
    expect(await reader.take(3)).toEqual(sent(1, 3))
    await server.kill()
    const [event, ...others] = await reader.rest()
    expect([event?.event, event?.id, others]).toEqual(['error', '3', []])
    expect(JSON.parse(event?.data ?? '')).toMatchObject({ code: 'unavailable', status: 503 })
    const refused = await own.get(`/v1/jobs/${id}/logs?follow=true`, { 'last-event-id': '3' })
    refused.problem(503, 'unavailable')
    await startRedis({ dir: server.dir, port: server.port })
    const again = await waitUntil(() => follow(id, 3, own).catch(() => undefined))
    await write('line 4')
    await end()
    expect(await again.rest()).toEqual([...sent(4, 4), ended(4)])
  })
})

async function connectTo({ url }: TestApi): Promise<Socket> {
  const socket = createConnection(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => undefined)
  atEndOfFile(async () => void socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** Expects each line behind number `at` once and in order, or told to be cut. @returns the last number */
function accountFor(events: readonly SeenEvent[], at: number): number {
  let last = at
  for (const { id, event, data } of events) {
    if (event === 'end') continue
    expect(event === 'cut' ? JSON.parse(data) : { lines: 1 }).toEqual({ lines: Number(id) - last })
    last = Number(id)
  }
  expect(events.at(-1)?.event).toBe('end')
  return last
}
