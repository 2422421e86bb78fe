import { once } from 'node:events'
import { createConnection } from 'node:net'
import { echo } from '@foliot/example-demo/jobs'
import { describeJob, type Job } from '@foliot/jobs'
import { announce, connectForLoops, defineScripts } from '@foliot/queue'
import { atEndOfFile, startApi, type TestApp, testRedisUrl, waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'

/** An api, and a connection to the database that it has for itself. */
async function start() {
  const FOLIOT_REDIS_URL = await testRedisUrl()
  const redis = defineScripts(connectForLoops(FOLIOT_REDIS_URL))
  atEndOfFile(async () => redis.disconnect())
  await announce(redis, [describeJob(echo)])
  return { redis, api: await startApi({ FOLIOT_REDIS_URL, FOLIOT_SHUTDOWN_GRACE_MS: '4000' }) }
}

type Bed = Awaited<ReturnType<typeof start>>

/** A job that nothing runs, and somebody who waits for it. */
async function waiter({ api, redis }: Bed) {
  const answer = await fetch(`${api.url}/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ type: 'demo.echo', input: 1 }),
  })
  const { id } = (await answer.json()) as Job
  const answered = fetch(`${api.url}/v1/jobs/${id}/wait?timeoutMs=60000`)
  // It is being served once its queue is watched, over a connection of its own.
  const database = ` db=${redis.options.db} `
  await waitUntil(async () => {
    const clients = ((await redis.client('LIST')) as string).split('\n')
    return clients.some((client) => client.includes(database) && client.includes('cmd=xread'))
  })
  return { id, answered }
}

async function connection(api: TestApp) {
  const socket = createConnection(Number(new URL(api.url).port), '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

describe('the api', () => {
  it.each<[string, (api: TestApp) => void]>([
    ['SIGTERM', (api) => api.signal('SIGTERM')],
    ['the end of its input', (api) => api.closeInput()],
  ])('on %s answers those who wait and ends with 0', async (_, stop) => {
    const bed = await start()
    const { id, answered } = await waiter(bed)
    const { api } = bed
    stop(api)
    const answer = await answered
    expect([answer.status, ((await answer.json()) as Job).id]).toEqual([202, id])
    expect(await api.exited).toEqual({ code: 0, signal: null })
  })

  it('finishes the request that it is reading', async () => {
    const { api } = await start()
    const socket = await connection(api)
    const body = '{"type":"demo.echo","input":1}'
    const head = `POST /v1/jobs HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nexpect: 100-continue\r\n\r\n`
    socket.setEncoding('utf8').write(head)
    const [go] = (await once(socket, 'data')) as [string]
    expect(go).toMatch(/^HTTP\/1\.1 100/)
    api.signal('SIGTERM')
    await api.waitForLine(({ json }) => json?.msg === 'stopping')
    socket.write(body)
    const [answer] = (await once(socket, 'data')) as [string]
    expect(answer).toMatch(/^HTTP\/1\.1 202 Accepted/)
    expect(await api.exited).toEqual({ code: 0, signal: null })
  })

  it('is not held up by connections that are kept open', async () => {
    const { api } = await start()
    // One that was used, one that never was, and one whose request never ends.
    await (await fetch(`${api.url}/healthz`)).text()
    await connection(api)
    const slow = await connection(api)
    slow.write('POST /v1/jobs HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n')
    api.signal('SIGTERM')
    expect(await api.exited).toEqual({ code: 0, signal: null })
    expect(JSON.stringify(api.lines)).not.toContain('ending without it')
  })
})
