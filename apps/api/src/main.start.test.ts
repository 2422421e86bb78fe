import { createServer } from 'node:net'
import { connectForLoops } from '@foliot/queue'
import { startApi, startProcess, startRedis, testRedisUrl } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'

const FOLIOT_REDIS_URL = await testRedisUrl()

/** Starts an api that is expected to end by itself. */
async function refusalOf(env: Record<string, string>) {
  const base = { FOLIOT_REDIS_URL, FOLIOT_API_PORT: '0' }
  const api = await startProcess({ entry: 'apps/api/src/main.ts', env: { ...base, ...env } })
  const { code } = await api.exited
  return { code, messages: api.lines.map(({ json }) => `${json?.level}: ${json?.msg}`), text: api.errorText }
}

describe('the api', () => {
  it('says where it listens, and that it is open if it is', async () => {
    await using api = await startApi({ FOLIOT_REDIS_URL })
    expect(new URL(api.url).hostname).toBe('127.0.0.1')
    await api.waitForLine(({ json }) => json?.level === 'warn' && String(json.msg).includes('FOLIOT_API_KEYS'))
    expect((await fetch(`${api.url}/healthz`)).status).toBe(200)
    expect(await api.stop()).toEqual({ code: 0, signal: null })
    expect(api.errorText).toBe('')
  })

  it('asks for a key on an address that others can reach, but for its health', async () => {
    const secret = 'a-secret-of-some-length'
    await using api = await startApi({ FOLIOT_REDIS_URL, FOLIOT_API_HOST: '0.0.0.0', FOLIOT_API_KEYS: secret })
    const get = async (path: string, headers = {}) => (await fetch(api.url + path, { headers })).status
    expect([await get('/healthz'), await get('/v1/jobs'), await get('/metrics')]).toEqual([200, 401, 401])
    expect(await get('/v1/jobs', { authorization: `Bearer ${secret}` })).toBe(200)
    expect(JSON.stringify(api.lines)).not.toContain(secret)
  })

  it('refuses a Redis that may evict keys', async () => {
    const server = await startRedis({ args: ['--maxmemory-policy', 'allkeys-lru'] })
    const { code, messages } = await refusalOf({ FOLIOT_REDIS_URL: server.url })
    expect(code).toBe(1)
    expect(messages[0]).toMatch(/^fatal: Redis could not start: .*noeviction, got allkeys-lru/)
  })

  it('refuses a Redis that may evict keys also if it comes later', async () => {
    const gone = await startRedis()
    await gone.kill()
    const api = await startApi({ FOLIOT_REDIS_URL: gone.url })
    expect((await fetch(`${api.url}/readyz`)).status).toBe(503)
    await startRedis({ dir: gone.dir, port: gone.port, args: ['--maxmemory-policy', 'allkeys-lru'] })
    expect(await api.exited).toEqual({ code: 1, signal: null })
    const fatal = api.lines.filter(({ json }) => json?.level === 'fatal').map(({ json }) => json?.msg)
    expect(fatal).toEqual([expect.stringMatching(/cannot be used: .*noeviction, got allkeys-lru; .*CONFIG SET/)])
  })

  it('says so, in one line, if what comes later is a Redis that does not let it in', async () => {
    const gone = await startRedis()
    await gone.kill()
    const api = await startApi({ FOLIOT_REDIS_URL: gone.url })
    await startRedis({ dir: gone.dir, port: gone.port, args: ['--requirepass', 'right'] })
    expect(await api.exited).toEqual({ code: 1, signal: null })
    const fatal = api.lines.filter(({ json }) => json?.level === 'fatal').map(({ json }) => json?.msg)
    expect(fatal).toEqual([expect.stringMatching(/^Redis at \S+ cannot be used: expected FOLIOT_REDIS_URL .*NOAUTH/)])
  })

  it('starts while Redis is away, and is ready by itself when it comes', async () => {
    const gone = await startRedis()
    await gone.kill()
    await using api = await startApi({ FOLIOT_REDIS_URL: gone.url })
    expect((await fetch(`${api.url}/healthz`)).status).toBe(200)
    expect((await fetch(`${api.url}/v1/jobs`)).status).toBe(503)
    const back = await startRedis({ dir: gone.dir, port: gone.port })
    await api.waitForLine(({ json }) => json?.msg === 'Redis is back')
    expect((await fetch(`${api.url}/v1/jobs`)).status).toBe(200)
    const redis = connectForLoops(back.url)
    expect(await redis.dbsize()).toBe(0)
    redis.disconnect()
  })
})

describe('an api that is set up wrongly ends with one clear line', () => {
  it.each([
    [
      'open to others without keys',
      { FOLIOT_API_HOST: '0.0.0.0' },
      /^fatal: expected FOLIOT_API_KEYS for an api that listens on 0\.0\.0\.0, got none: .*openssl rand/,
    ],
    ['a key with a scope that is none', { FOLIOT_API_KEYS: 'a-secret:reed' }, /^fatal: FOLIOT_API_KEYS: .*key 1/],
  ])('%s', async (_, env, message) => {
    const { code, messages } = await refusalOf(env)
    expect([code, messages]).toEqual([78, [expect.stringMatching(message)]])
    expect(messages.join()).not.toContain('a-secret')
  })

  it('a misspelt name', async () => {
    const { code, text } = await refusalOf({ FOLIOT_API_PROT: '3000' })
    expect([code, text]).toEqual([78, expect.stringContaining('did you mean FOLIOT_API_PORT?')])
  })

  it.each([
    ['without the password of Redis', '//', 'NOAUTH'],
    ['with a wrong one', '//:wrong-secret@', 'WRONGPASS'],
  ])('%s', async (_, as, word) => {
    const { url } = await startRedis({ args: ['--requirepass', 'right'] })
    const { code, messages, text } = await refusalOf({ FOLIOT_REDIS_URL: url.replace('//', as) })
    expect([code, text]).toEqual([1, ''])
    expect(messages).toEqual([
      expect.stringMatching(`^fatal: Redis could not start: expected FOLIOT_REDIS_URL to have a user and .*"${word} `),
      'info: stopping',
      'info: stopped',
    ])
    expect(messages.join()).not.toContain('wrong-secret')
  })

  it('a port that is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const { port } = other.address() as { port: number }
    const { code, messages } = await refusalOf({ FOLIOT_API_PORT: String(port) })
    other.close()
    expect(code).toBe(1)
    expect(messages).toContain(
      `fatal: listener could not start: port ${port} on 127.0.0.1 is taken; choose another one with FOLIOT_API_PORT`,
    )
  })
})
