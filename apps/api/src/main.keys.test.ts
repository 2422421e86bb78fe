import { readFile } from 'node:fs/promises'
import { digestOf, newSecret, type Scope } from '@foliot/access'
import { createApiKey, createFirstApiKey, migrate, type NewApiKey, openDatabase } from '@foliot/history'
import { connectForLoops, defineScripts, projectAccess } from '@foliot/queue'
import {
  atEndOfFile,
  startApi,
  startPostgres,
  startProcess,
  startRedis,
  type TestApp,
  testRedisUrl,
  waitUntil,
} from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { bearer, databaseWithTables } from './fixtures/access-bed.ts'
import { EventReader } from './fixtures/event-reader.ts'

const SNAPSHOT = 'foliot-x:{access}:snapshot'

async function makeIn(url: string, more: Partial<NewApiKey> = {}, make: typeof createFirstApiKey = createApiKey) {
  const db = openDatabase({ url })
  await migrate(db)
  const secret = newSecret()
  const scopes: Scope[] = ['admin']
  const key = { name: 'a', digest: digestOf(secret), tenant: null, scopes, createdBy: 'test', expiresAt: null, ...more }
  const id = (await make(db, key, Date.now()))?.id
  await db.destroy()
  return { id, secret }
}

const ask = (api: TestApp, secret?: string, path = '/openapi.json', method = 'GET'): Promise<Response> =>
  fetch(api.url + path, { method, headers: secret === undefined ? {} : bearer(secret) })

const statusOf = async (api: TestApp, secret?: string, path?: string) => (await ask(api, secret, path)).status

function redisOn(url: string) {
  const redis = connectForLoops(url)
  redis.on('error', () => undefined)
  atEndOfFile(async () => redis.disconnect())
  return redis
}

async function withChildren(pid: number): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return [pid, ...children.split(' ').filter(Boolean).map(Number)]
}

describe('keys, while servers are away', () => {
  it('go on counting, also in an api that starts then, and revoked ones stay revoked', async () => {
    const postgres = await startPostgres()
    const redisServer = await startRedis()
    const redis = redisOn(redisServer.url)
    const [key, revoked] = [await makeIn(postgres.url), await makeIn(postgres.url, { tenant: 'acme' })]
    const env = { FOLIOT_REDIS_URL: redisServer.url, FOLIOT_DATABASE_URL: postgres.url }
    const first = await startApi(env)
    expect((await ask(first, key.secret, `/v1/api-keys/${revoked.id}`, 'DELETE')).status).toBe(204)
    await first.stop()

    await postgres.kill()
    const second = await startApi(env)
    expect([await statusOf(second, key.secret), await statusOf(second, revoked.secret)]).toEqual([200, 401])
    expect(await statusOf(second)).toBe(401)
    const list = await ask(second, key.secret, '/v1/api-keys')
    expect([list.status, await list.json()]).toEqual([
      503,
      expect.objectContaining({ code: 'unavailable', detail: expect.stringContaining('PostgreSQL') }),
    ])

    await redis.flushall()
    await waitUntil(() => redis.exists(SNAPSHOT))
    await redisServer.kill()
    expect([await statusOf(second, key.secret), await statusOf(second, 'wrong')]).toEqual([200, 401])
    expect(await second.stop()).toEqual({ code: 0, signal: null })
  })

  it('end everywhere when they are revoked, also where only Redis tells of it', async () => {
    const databaseUrl = await databaseWithTables()
    const FOLIOT_REDIS_URL = await testRedisUrl()
    const [root, key] = [await makeIn(databaseUrl), await makeIn(databaseUrl)]
    const teller = await startApi({ FOLIOT_REDIS_URL, FOLIOT_DATABASE_URL: databaseUrl })
    await using hearer = await startApi({ FOLIOT_REDIS_URL })
    expect(await statusOf(hearer)).toBe(401)
    const reader = await EventReader.open(`${hearer.url}/v1/events`, bearer(key.secret))
    const rest = reader.rest()
    await ask(teller, root.secret, `/v1/api-keys/${key.id}`, 'DELETE')
    expect((await rest).map(({ event }) => event)).toEqual(['error'])
    expect(await statusOf(hearer, key.secret)).toBe(401)
    await teller.stop()
  })

  it('count, and end, while PostgreSQL hangs, also in an api that starts then', async () => {
    const postgres = await startPostgres()
    const FOLIOT_REDIS_URL = await testRedisUrl()
    const redis = defineScripts(redisOn(FOLIOT_REDIS_URL))
    const key = await makeIn(postgres.url)
    const env = { FOLIOT_REDIS_URL, FOLIOT_DATABASE_URL: postgres.url }
    await (await startApi(env)).stop()
    const processes = await withChildren(postgres.pid)
    for (const pid of processes) process.kill(pid, 'SIGSTOP')
    try {
      await using api = await startApi(env)
      const reader = await EventReader.open(`${api.url}/v1/events`, bearer(key.secret))
      const rest = reader.rest()
      const later = { revision: Date.now() + 1000, hasKeys: true, hasOwnKeys: true, keys: [], tenants: [] }
      await projectAccess(redis, later.revision, JSON.stringify(later))
      expect((await rest).map(({ event }) => event)).toEqual(['error'])
      expect(await statusOf(api, key.secret)).toBe(401)
    } finally {
      for (const pid of processes) process.kill(pid, 'SIGCONT')
    }
  })

  it('may be right while nobody could be asked yet, so nobody is refused for good', async () => {
    const postgres = await startPostgres()
    const { secret } = await makeIn(postgres.url)
    await postgres.kill()
    const FOLIOT_REDIS_URL = await testRedisUrl()
    await using api = await startApi({ FOLIOT_REDIS_URL, FOLIOT_DATABASE_URL: postgres.url })
    expect([await statusOf(api), await statusOf(api, secret)]).toEqual([503, 503])
    expect(await statusOf(api, undefined, '/healthz')).toBe(200)
    await startPostgres({ dir: postgres.dir, port: postgres.port })
    await api.waitForLine(({ json }) => String(json?.msg).startsWith('keys are read from PostgreSQL again'))
    expect([await statusOf(api), await statusOf(api, secret), await statusOf(api, 'wrong')]).toEqual([401, 200, 401])
  })

  it('that were used are written when the api stops', async () => {
    const databaseUrl = await databaseWithTables()
    const FOLIOT_REDIS_URL = await testRedisUrl()
    const { id, secret } = await makeIn(databaseUrl)
    const env = { FOLIOT_REDIS_URL, FOLIOT_DATABASE_URL: databaseUrl }
    const api = await startApi(env)
    await ask(api, secret)
    await api.stop()
    await using later = await startApi(env)
    const shown = (await (await ask(later, secret, `/v1/api-keys/${id}`)).json()) as { lastUsedAt: string | null }
    expect(shown.lastUsedAt).not.toBeNull()
  })
})

describe('an api on this machine without FOLIOT_API_KEYS', () => {
  const start = async (databaseUrl: string) =>
    startApi({ FOLIOT_REDIS_URL: await testRedisUrl(), FOLIOT_DATABASE_URL: databaseUrl })

  it('is open before any key is made; tables need not be there', async () => {
    await using api = await start((await startPostgres()).url)
    await api.waitForLine(({ json }) => json?.level === 'warn' && String(json.msg).includes('FOLIOT_API_KEYS'))
    expect([await statusOf(api), await statusOf(api, 'any')]).toEqual([200, 200])
  })

  it('stays open beside the first key, but a key that is shown has to be right', async () => {
    const databaseUrl = await databaseWithTables()
    const { secret } = await makeIn(databaseUrl, {}, createFirstApiKey)
    await using api = await start(databaseUrl)
    expect([await statusOf(api), await statusOf(api, secret), await statusOf(api, 'wrong')]).toEqual([200, 200, 401])
    const made = await ask(api, secret, '/v1/jobs')
    expect(made.status).toBe(200)
  })

  it('is closed once somebody has made a key, from the next start on', async () => {
    const databaseUrl = await databaseWithTables()
    const { secret } = await makeIn(databaseUrl, { tenant: 'acme', scopes: ['read'] })
    await using api = await start(databaseUrl)
    expect([await statusOf(api), await statusOf(api, secret), await statusOf(api, 'wrong')]).toEqual([401, 200, 401])
    expect(JSON.stringify(api.lines)).not.toContain('everybody on this machine')
  })
})

describe('an api that others can reach, without FOLIOT_API_KEYS', () => {
  const env = async (databaseUrl: string) => ({
    FOLIOT_REDIS_URL: await testRedisUrl(),
    FOLIOT_DATABASE_URL: databaseUrl,
    FOLIOT_API_HOST: '0.0.0.0',
    FOLIOT_API_PORT: '0',
  })

  async function refusalOf(databaseUrl: string) {
    const api = await startProcess({ entry: 'apps/api/src/main.ts', env: await env(databaseUrl) })
    const { code } = await api.exited
    return { code, messages: api.lines.map(({ json }) => `${json?.level}: ${json?.msg}`) }
  }

  it('starts, closed, with an admin key of all tenants in the store', async () => {
    const databaseUrl = await databaseWithTables()
    const { secret } = await makeIn(databaseUrl)
    await using api = await startApi(await env(databaseUrl))
    expect([await statusOf(api), await statusOf(api, secret)]).toEqual([401, 200])
  })

  it.each<[string, Partial<NewApiKey>]>([
    ['of one tenant', { tenant: 'acme' }],
    ['without the scope admin', { scopes: ['read', 'operate'] }],
    ['that has expired', { expiresAt: 1 }],
  ])('does not start with a key %s', async (_, more) => {
    const databaseUrl = await databaseWithTables()
    await makeIn(databaseUrl, more)
    const { code, messages } = await refusalOf(databaseUrl)
    expect([code, messages]).toEqual([
      78,
      [expect.stringMatching(/^fatal: .* got none, nor an admin key of all tenants .*foliot keys create/)],
    ])
  })

  it('does not start while nobody can be asked, and may do so later', async () => {
    const { code, messages } = await refusalOf('postgres://nobody@127.0.0.1:1/none')
    expect([code, messages.at(-1)]).toEqual([1, expect.stringMatching(/^fatal: .*neither PostgreSQL nor Redis tells/)])
  })
})
