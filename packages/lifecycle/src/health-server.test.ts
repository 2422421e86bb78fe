import { networkInterfaces } from 'node:os'
import { parseApiKeys } from '@foliot/access'
import { createLogger, createMetrics, jobMetrics, type Metrics } from '@foliot/telemetry'
import { atEndOfFile } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { HealthServer } from './health-server.ts'

interface Start {
  host?: string
  keys?: string
  port?: number
  isAlive?: () => boolean
  isReady?: () => boolean
  metrics?: Metrics
}

const newMetrics = (): Metrics =>
  createMetrics({ app: 'worker', log: createLogger({ app: 'worker', level: 'silent' }) })

async function start(options: Start = {}) {
  const { host = '127.0.0.1', keys = '', port = 0, isAlive = yes, isReady = yes, metrics = newMetrics() } = options
  jobMetrics(metrics.meter).finished('email', 'mail.send', 'succeeded', 0.1)
  const server = new HealthServer({ host, port, keys: parseApiKeys(keys), metrics, isAlive, isReady })
  atEndOfFile(() => server.stop())
  await server.start()
  return server
}

const yes = () => true

/** Containers often have no IPv6. */
const hosts = (...all: string[]): string[] =>
  all.filter(
    (host) =>
      !host.includes(':') ||
      Object.values(networkInterfaces())
        .flat()
        .some((one) => one?.address === '::1'),
  )

async function get(url: string, headers: Record<string, string> = {}, method = 'GET') {
  const response = await fetch(url, { headers, method })
  return { status: response.status, body: await response.text(), type: response.headers.get('content-type') }
}

const said = (status: string): string => `${JSON.stringify({ status })}\n`

describe('HealthServer', () => {
  it('says whether the process is alive and whether it is ready, as of now', async () => {
    let good = true
    const { url } = await start({ isAlive: () => good, isReady: () => good })
    const type = 'application/json'
    expect(await get(`${url}/healthz`)).toEqual({ status: 200, body: said('ok'), type })
    expect(await get(`${url}/readyz?verbose`)).toEqual({ status: 200, body: said('ready'), type })
    good = false
    expect(await get(`${url}/healthz`)).toEqual({ status: 503, body: said('not alive'), type })
    expect(await get(`${url}/readyz`)).toEqual({ status: 503, body: said('not ready'), type })
  })

  it('gives the metrics on a loopback address to anybody, while there are no keys', async () => {
    const { url } = await start()
    const { status, body, type } = await get(`${url}/metrics`)
    expect(status).toBe(200)
    expect(type).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(body).toMatch(/^foliot_jobs_total\{queue="email",type="mail\.send",status="succeeded"\} 1$/m)
  })

  it.each(hosts('127.0.0.1', '0.0.0.0', '::1'))(
    'asks for a key with the scope read, if there are keys, on %s',
    async (host) => {
      const { url } = await start({ host, keys: 'reader-secret:read,writer-secret:enqueue,root-secret' })
      for (const path of ['/healthz', '/readyz']) expect((await get(url + path)).status).toBe(200)
      const refused = { status: 401, body: said('a key is needed: Authorization: Bearer <key>') }
      expect(await get(`${url}/metrics`)).toMatchObject(refused)
      for (const secret of ['writer-secret', 'reader-secre', '']) {
        expect(await get(`${url}/metrics`, { authorization: `Bearer ${secret}` })).toMatchObject(refused)
      }
      for (const secret of ['reader-secret', 'root-secret']) {
        expect((await get(`${url}/metrics`, { authorization: `Bearer ${secret}` })).status).toBe(200)
      }
    },
  )

  it.each(hosts('0.0.0.0', '::'))('gives the metrics to nobody on %s, while there are no keys', async (host) => {
    const { url } = await start({ host })
    expect((await get(`${url}/healthz`)).status).toBe(200)
    expect((await get(`${url}/metrics`)).status).toBe(401)
    expect((await get(`${url}/metrics`, { authorization: 'Bearer ' })).status).toBe(401)
  })

  it('answers HEAD as GET, refuses other methods, and knows no other path', async () => {
    const { url } = await start()
    for (const path of ['/healthz', '/metrics'])
      expect(await get(url + path, {}, 'HEAD')).toMatchObject({ status: 200, body: '' })
    for (const method of ['POST', 'DELETE']) expect((await get(`${url}/healthz`, {}, method)).status).toBe(405)
    for (const path of ['/', '/healthz/', '/metricsx']) expect((await get(url + path)).status).toBe(404)
  })

  it.each(hosts('127.0.0.1', '::1'))('says where it listens, on %s', async (host) => {
    const { hostname, port } = new URL((await start({ host })).url)
    expect(hostname).toBe(host.includes(':') ? `[${host}]` : host)
    expect(Number(port)).toBeGreaterThan(0)
  })

  it('does not start on a port that is taken', async () => {
    const { url } = await start()
    await expect(start({ port: Number(new URL(url).port) })).rejects.toThrow(/EADDRINUSE/)
  })

  it('stops although a client waits for an answer, and when it is told twice', async () => {
    const metrics = newMetrics()
    const asked = Promise.withResolvers<void>()
    metrics.meter.createObservableGauge('slow').addCallback(() => {
      asked.resolve()
      return new Promise(() => {})
    })
    const server = await start({ metrics })
    const answer = expect(get(`${server.url}/metrics`)).rejects.toThrow()
    await asked.promise
    await server.stop()
    await server.stop()
    await answer
  })
})
