import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { createLogger } from '@foliot/telemetry'
import { startApi, testRedisUrl } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { WrongKeys } from './wrong-keys.ts'

const RIGHT = 'the-secret-of-the-right-key'
const FOLIOT_REDIS_URL = await testRedisUrl()

describe('10 000 wrong keys from one address', () => {
  it('are slowed down and counted, while a right key is served', async () => {
    await using api = await startApi({ FOLIOT_REDIS_URL, FOLIOT_API_KEYS: RIGHT })
    const ask = (secret: string) =>
      fetch(`${api.url}/openapi.json`, { headers: { authorization: `Bearer ${secret}` } }).then(async (answer) => {
        await answer.body?.cancel()
        return answer
      })
    let next = 0
    const statuses: number[] = []
    const right: number[] = []
    const guess = async (): Promise<void> => {
      while (next < 10_000) {
        const n = next++
        const answer = await ask(`wrong-guess-${n}`)
        statuses.push(answer.status)
        if (answer.status === 429) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
        if (n % 100 === 0) right.push((await ask(RIGHT)).status)
      }
    }
    await Promise.all(Array.from({ length: 40 }, guess))
    expect(statuses).toHaveLength(10_000)
    expect(new Set(statuses)).toEqual(new Set([401, 429]))
    // Some are answered at once, and some each second after.
    expect(statuses.filter((status) => status === 401).length).toBeLessThan(2000)
    expect(right).toEqual(Array(100).fill(200))

    const logIn = (key: string) =>
      fetch(`${api.url}/login`, { method: 'POST', redirect: 'manual', body: new URLSearchParams({ key }) })
    const logins = await Promise.all(Array.from({ length: 30 }, () => logIn('wrong-guess')))
    expect(logins.map(({ status }) => status)).toContain(429)
    const refused = logins.find(({ status }) => status === 429)
    expect(refused?.headers.get('retry-after')).toBe('10')
    expect(await refused?.text()).toContain('role="alert"')
    expect((await logIn(RIGHT)).status).toBe(303)

    await api.stop()
    const told = api.lines.filter(({ json }) => json?.msg === 'wrong keys were shown')
    expect(told.reduce((sum, { json }) => sum + Number(json?.wrongKeys), 0)).toBe(10_030)
    expect(told.length).toBeLessThan(10)
    for (const { json } of told) expect(json?.ip).toBe('127.0.0.1')
    expect(JSON.stringify(api.lines)).not.toContain('wrong-guess')
  }, 60_000)
})

describe('WrongKeys', () => {
  const raw = new IncomingMessage(new Socket())

  it('remembers a bounded number of addresses', async () => {
    const wrong = new WrongKeys(createLogger({ app: 'api', level: 'silent' }))
    for (let i = 0; i < 20_000; i++) await wrong.refuse({ ip: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, raw })
    expect(wrong.size).toBe(10_000)
    wrong.stop()
  })

  it('answers who is held back when the caller goes, or the process stops', async () => {
    const wrong = new WrongKeys(createLogger({ app: 'api', level: 'silent' }), () => 0)
    const ip = '10.0.0.1'
    for (let i = 0; i < 100; i++) await wrong.refuse({ ip, raw })
    const goes = new IncomingMessage(new Socket())
    const held = [wrong.refuse({ ip, raw: goes }), ...Array.from({ length: 9 }, () => wrong.refuse({ ip, raw }))]
    await expect(wrong.refuse({ ip, raw })).rejects.toMatchObject({ code: 'rate_limited' })
    // Another address is another matter.
    await wrong.refuse({ ip: '10.0.0.2', raw })
    goes.socket.destroy()
    await held[0]
    const after = wrong.refuse({ ip, raw })
    wrong.stop()
    await Promise.all([...held, after])
  })
})
