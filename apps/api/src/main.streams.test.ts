import { once } from 'node:events'
import { createConnection } from 'node:net'
import { echo } from '@foliot/example-demo/jobs'
import { describeJob, type Job, newJobId } from '@foliot/jobs'
import { announce, beginAudit, connectForLoops, defineScripts } from '@foliot/queue'
import { atEndOfFile, startApi, startRedis, type TestApp, testRedisUrl } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { EventReader } from './fixtures/event-reader.ts'

const FOLIOT_REDIS_URL = await testRedisUrl()
const redis = defineScripts(connectForLoops(FOLIOT_REDIS_URL))
atEndOfFile(async () => redis.disconnect())
await announce(redis, [describeJob(echo)])

const start = (): Promise<TestApp> => startApi({ FOLIOT_REDIS_URL, FOLIOT_SHUTDOWN_GRACE_MS: '4000' })

async function enqueue({ url }: TestApp): Promise<string> {
  const answer = await fetch(`${url}/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ type: 'demo.echo', input: 1 }),
  })
  return ((await answer.json()) as Job).id
}

describe('an api that stops', () => {
  it('ends its streams in order, and another one goes on with them', async () => {
    const [one, other] = [await start(), await start()]
    const id = await enqueue(one)
    const readers = [
      await EventReader.open(`${one.url}/v1/jobs/${id}/logs`),
      await EventReader.open(`${one.url}/v1/events`),
    ]
    const rests = readers.map((reader) => reader.rest())
    one.signal('SIGTERM')
    expect(await Promise.all(rests)).toEqual([[], []])
    for (const { comments } of readers) expect(comments).toContain('this api is stopping')
    expect(await one.exited).toEqual({ code: 0, signal: null })
    expect(JSON.stringify(one.lines)).not.toContain('ending without it')
    const again = await EventReader.open(`${other.url}/v1/jobs/${id}/logs`)
    await fetch(`${other.url}/v1/jobs/${id}/cancel`, { method: 'POST' })
    expect((await again.rest()).map(({ event }) => event)).toEqual(['end'])
    const events = await EventReader.open(`${other.url}/v1/events`, { 'last-event-id': readers[1]?.lastEventId ?? '' })
    expect(await events.next()).toMatchObject({ event: 'cancelled', data: expect.stringContaining(id) })
    events.close()
  })

  it('is not held up by a reader that takes nothing', async () => {
    const api = await start()
    const socket = createConnection(Number(new URL(api.url).port), '127.0.0.1')
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    socket.write('GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n')
    await once(socket, 'data')
    socket.pause()
    const witness = await EventReader.open(`${api.url}/v1/events`)
    const data = ['event', 'progress', 'jobId', 'x', 'data', JSON.stringify('x'.repeat(4000))]
    const writes = redis.pipeline()
    for (let n = 0; n < 5000; n++) writes.xadd('foliot:{demo}:events', '*', ...data)
    await writes.exec()
    await witness.take(5000)
    api.signal('SIGTERM')
    expect(await api.exited).toEqual({ code: 0, signal: null })
    expect(JSON.stringify(api.lines)).not.toContain('ending without it')
    socket.destroy()
  })

  it('is not held up by an export of the audit that nobody reads', async () => {
    const FOLIOT_REDIS_URL = (await startRedis()).url
    const redis = defineScripts(connectForLoops(FOLIOT_REDIS_URL))
    atEndOfFile(async () => redis.disconnect())
    const entry = {
      actor: { id: 'k1', name: 'ops', tenant: null },
      ip: '127.0.0.1',
      forwardedFor: null,
      userAgent: null,
      action: 'job.cancel',
      target: { kind: 'job', id: 'j1', tenant: null },
      asked: 'x'.repeat(6000),
      reason: null,
      traceId: '0af7651916cd43dd8448eb211c80319c',
    }
    for (let i = 0; i < 4000; i++) await beginAudit(redis, { ...entry, id: newJobId(Date.now()) }, { isRecorded: true })
    // Half of it would have to pass before an answer is cut off that is no stream.
    const api = await startApi({ FOLIOT_REDIS_URL, FOLIOT_SHUTDOWN_GRACE_MS: '600000' })
    const answer = await fetch(`${api.url}/v1/audit?format=jsonl`)
    api.signal('SIGTERM')
    expect(await api.exited).toEqual({ code: 0, signal: null })
    await expect(answer.text()).rejects.toThrow()
  })
})
