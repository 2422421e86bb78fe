import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { json } from 'node:stream/consumers'
import { askPostgres, waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { bearer, openAccessBed, ROOT } from '../fixtures/access-bed.ts'
import { EventReader } from '../fixtures/event-reader.ts'
import { openTestApi } from '../fixtures/test-api.ts'

const api = await openAccessBed()
/** Another api with the same PostgreSQL. Its Redis is another: what it hears of keys it hears from PostgreSQL. */
const sibling = await openAccessBed({ databaseUrl: api.databaseUrl })

const ACME = (await api.makeKey({ name: 'acme', tenant: 'acme' })).key
const NOBODY = '0198c0de-0000-7000-8000-000000000000'

const statusOf = async (secret: string) => (await api.get('/v1/jobs', bearer(secret))).status

describe('a new key', () => {
  it('is shown once, counts at once, and is read without its secret from then on', async () => {
    const expiresAt = new Date(Date.now() + 60_000).toISOString()
    const body = { name: 'billing', scopes: ['read', 'enqueue', 'read'], tenant: 'shop', expiresAt }
    const answer = await api.as(ROOT, 'POST', '/v1/api-keys', body)
    const { key, ...shown } = answer.body
    expect(answer.status).toBe(201)
    expect(answer.headers.get('location')).toBe(`/v1/api-keys/${shown.id}`)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(key).toMatch(/^foliot_[\w-]{43}$/)
    expect(shown).toMatchObject({
      name: 'billing',
      tenant: 'shop',
      scopes: ['read', 'enqueue'],
      createdBy: expect.stringMatching(/^key-/),
      expiresAt,
      lastUsedAt: null,
      revokedAt: null,
      replacedBy: null,
    })
    expect(await statusOf(key)).toBe(200)
    expect((await api.as(ROOT, 'GET', `/v1/api-keys/${shown.id}`)).body).toEqual(shown)
    expect(JSON.stringify((await api.as(ROOT, 'GET', '/v1/api-keys')).body)).not.toContain(key)
    expect(await api.redis.get('foliot-x:{access}:snapshot')).not.toContain(key)
  })

  it.each([
    ['of the default tenant, made by a key of all', {}, ROOT, 'default'],
    ['of all tenants, if that is said', { tenant: null }, ROOT, null],
    ['of the caller’s tenant', {}, ACME, 'acme'],
    ['of the caller’s tenant, if that is said', { tenant: 'acme' }, ACME, 'acme'],
  ])('is %s', async (_, body, by, tenant) => {
    expect((await api.makeKey(body, by)).tenant).toBe(tenant)
  })

  it.each([{ tenant: null }, { tenant: 'other' }])('of one tenant makes none with %j', async (body) => {
    const made = await api.as(ACME, 'POST', '/v1/api-keys', { name: 'a', scopes: ['read'], ...body })
    expect(made.problem(403, 'forbidden').detail).toContain('acme')
  })

  it.each([
    ['/name', { name: '' }],
    ['/name', { name: ' \t ' }],
    ['/name', { name: 'x'.repeat(101) }],
    ['/name', { name: 'a\nb' }],
    ['/name', { name: 'anyone' }],
    ['/name', { name: 'key-0123abcd' }],
    ['/name', { name: 'foliot keys create' }],
    ['/name', { name: NOBODY }],
    ['/name', { name: ' a' }],
    ['/name', { name: 'a\u200b' }],
    ['/name', { name: 'a\u0000b' }],
    ['/name', { name: '\ud800' }],
    ['/name', { name: undefined }],
    ['/scopes', { scopes: [] }],
    ['/scopes/0', { scopes: ['root'] }],
    ['/tenant', { tenant: '' }],
    ['/tenant', { tenant: 'ACME' }],
    ['/tenant', { tenant: 'x'.repeat(64) }],
    ['/tenant', { tenant: "a'; drop table foliot.api_keys; --" }],
    ['/expiresAt', { expiresAt: 'tomorrow' }],
    ['/expiresAt', { expiresAt: '2020-01-01T00:00:00Z' }],
    ['/colour', { colour: 'red' }],
  ])('is refused with a wrong %s: %j', async (path, body) => {
    const answer = await api.as(ROOT, 'POST', '/v1/api-keys', { name: 'a', scopes: ['read'], ...body })
    expect(answer.problem(400, 'validation_failed').errors?.map((error) => error.path)).toEqual([path])
  })

  it('is refused with an `Idempotency-Key`, which would not be heeded', async () => {
    const body = { name: 'sent twice', scopes: ['read'], tenant: 'once' }
    const answer = await api.post('/v1/api-keys', body, { ...bearer(ROOT), 'idempotency-key': 'k' })
    expect(answer.problem(400, 'validation_failed').detail).toContain('`Idempotency-Key`')
    expect((await api.as(ROOT, 'GET', '/v1/api-keys?tenant=once')).body.items).toEqual([])
  })

  it('lasts no longer than the one that makes it, also by a rotation', async () => {
    const end = Date.now() + 600_000
    const at = (ms: number) => new Date(ms).toISOString()
    const { id, key } = await api.makeKey({ tenant: 'ending', expiresAt: at(end) })
    const endless = await api.makeKey({ tenant: 'ending' })
    const body = { name: 'a', scopes: ['read'] }
    for (const expiresAt of [undefined, null, at(end + 1)]) {
      const answer = await api.as(key, 'POST', '/v1/api-keys', { ...body, expiresAt })
      expect(answer.problem(403, 'forbidden').detail).toContain(at(end))
    }
    for (const one of [id, endless.id]) {
      ;(await api.as(key, 'POST', `/v1/api-keys/${one}/rotate`)).problem(403, 'forbidden')
    }
    expect((await api.makeKey({ ...body, expiresAt: at(end) }, key)).expiresAt).toBe(at(end))
  })

  it('is refused where 1000 of its tenant count', async () => {
    await askPostgres(
      api.databaseUrl,
      `insert into foliot.api_keys (id, name, digest, tenant, scopes, bootstrap, created_at, created_by)
      select gen_random_uuid(), 'n', sha256(gen_random_uuid()::text::bytea), 'full', '{read}', false, now(), 'test'
      from generate_series(1, 1000)`,
    )
    const answer = await api.as(ROOT, 'POST', '/v1/api-keys', { name: 'a', scopes: ['read'], tenant: 'full' })
    expect(answer.problem(409, 'conflict').detail).toContain('1000')
    const { items } = (await api.as(ROOT, 'GET', '/v1/api-keys?tenant=full&limit=1')).body
    ;(await api.as(ROOT, 'POST', `/v1/api-keys/${items[0].id}/rotate`)).problem(409, 'conflict')
    expect((await api.as(ROOT, 'DELETE', `/v1/api-keys/${items[0].id}`)).status).toBe(204)
    await api.makeKey({ tenant: 'full' })
  })

  it('may have a name that is SQL, or HTML', async () => {
    for (const name of [`'; drop table foliot.api_keys; --`, '<script>alert(1)</script>', '%s $1 \\', '名前 🗝']) {
      const { id } = await api.makeKey({ name })
      expect((await api.as(ROOT, 'GET', `/v1/api-keys/${id}`)).body.name).toBe(name)
    }
  })
})

describe('a key of one tenant', () => {
  it('sees and changes the keys of its tenant alone; others are none', async () => {
    const [own, other, ofAll] = [
      await api.makeKey({ tenant: 'acme' }),
      await api.makeKey({ tenant: 'other' }),
      await api.makeKey({ tenant: null }),
    ]
    const listed = (await api.as(ACME, 'GET', '/v1/api-keys?limit=200')).body.items
    expect(new Set(listed.map(({ tenant }: { tenant: string }) => tenant))).toEqual(new Set(['acme']))
    expect((await api.as(ACME, 'GET', '/v1/api-keys?tenant=other')).body).toEqual({ items: [], nextCursor: null })
    for (const { id } of [other, ofAll, { id: NOBODY }, { id: 'x' }, { id: "'; select 1" }]) {
      const path = `/v1/api-keys/${encodeURIComponent(id)}`
      const answers = [
        await api.as(ACME, 'GET', path),
        await api.as(ACME, 'DELETE', path),
        await api.as(ACME, 'POST', `${path}/rotate`),
      ]
      for (const answer of answers) answer.problem(404, 'not_found')
    }
    for (const { key } of [other, ofAll]) expect(await statusOf(key)).toBe(200)
    expect((await api.as(ACME, 'DELETE', `/v1/api-keys/${own.id}`)).status).toBe(204)
  })
})

describe('the list', () => {
  it('goes page by page, the newest first, of one tenant if asked', async () => {
    const made: string[] = []
    for (let i = 0; i < 5; i++) made.push((await api.makeKey({ tenant: 'paged', scopes: ['read'] })).id)
    const seen: string[] = []
    let cursor = ''
    do {
      const { body } = await api.as(ROOT, 'GET', `/v1/api-keys?tenant=paged&limit=2${cursor}`)
      seen.push(...body.items.map(({ id }: { id: string }) => id))
      cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`
    } while (cursor !== '')
    expect(seen).toEqual(made.toReversed())
  })

  it.each(['cursor=abc', 'limit=0', 'limit=201', 'tenant=ACME', 'colour=red'])('is refused with %s', async (query) => {
    const answer = await api.as(ROOT, 'GET', `/v1/api-keys?${query}`)
    answer.problem(400, 'validation_failed')
  })
})

describe('a revoked key', () => {
  it('counts no more, here at once and elsewhere within seconds, and revoking it again changes nothing', async () => {
    const { id, key } = await api.makeKey()
    await api.get('/v1/jobs', bearer(key))
    expect((await api.as(ROOT, 'DELETE', `/v1/api-keys/${id}`)).status).toBe(204)
    expect(await statusOf(key)).toBe(401)
    const { revokedAt } = (await api.as(ROOT, 'GET', `/v1/api-keys/${id}`)).body
    expect((await api.as(ROOT, 'DELETE', `/v1/api-keys/${id}`)).status).toBe(204)
    expect((await api.as(ROOT, 'GET', `/v1/api-keys/${id}`)).body.revokedAt).toBe(revokedAt)
  })

  it('makes no work elsewhere when there is none, or it was revoked before', async () => {
    const { id } = await api.makeKey()
    await api.as(ROOT, 'DELETE', `/v1/api-keys/${id}`)
    const { revision } = api.access.snapshot
    expect((await api.as(ROOT, 'DELETE', `/v1/api-keys/${id}`)).status).toBe(204)
    ;(await api.as(ROOT, 'DELETE', `/v1/api-keys/${NOBODY}`)).problem(404, 'not_found')
    expect(api.access.snapshot.revision).toBe(revision)
  })

  it('is told from one that counts also after its request began, before anything is done', async () => {
    const { id, key } = await api.makeKey({ tenant: null })
    const body = JSON.stringify({ name: 'too late', scopes: ['read'], tenant: 'late' })
    const sending = request(`${api.url}/v1/api-keys`, {
      method: 'POST',
      headers: { ...bearer(key), 'content-type': 'application/json', 'content-length': body.length },
    })
    const answered = once(sending, 'response') as Promise<[IncomingMessage]>
    // What is known of a request that has begun: its key was taken for one that counts.
    const began = new Promise<void>((resolve) => api.app.server.once('request', () => resolve()))
    sending.write(body.slice(0, -1))
    await began
    await api.as(ROOT, 'DELETE', `/v1/api-keys/${id}`)
    sending.end(body.slice(-1))
    const [answer] = await answered
    expect([answer.statusCode, await json(answer)]).toEqual([401, expect.objectContaining({ code: 'unauthorized' })])
    expect((await api.as(ROOT, 'GET', '/v1/api-keys?tenant=late')).body.items).toEqual([])
    expect((await api.as(ROOT, 'GET', '/v1/audit?limit=1')).body.items[0].action).toBe('api_key.revoke')
  })

  it('ends the streams and long polls that were opened with it, and no others', async () => {
    const { id, key } = await api.makeKey({ tenant: null })
    const other = await api.makeKey({ tenant: null })
    const sent = (await api.post('/v1/jobs', { type: 'demo.echo', input: 1, delayMs: 600_000 }, bearer(ROOT))).job(202)
    const paths = ['/v1/events', `/v1/jobs/${sent.id}/logs`]
    const open = async (url: string, secret: string) =>
      Promise.all(paths.map((path) => EventReader.open(url + path, bearer(secret))))
    const readers = await open(api.url, key)
    const others = await open(api.url, other.key)
    const polls = [key, other.key].map((secret) => api.get(`/v1/jobs/${sent.id}/wait?timeoutMs=60000`, bearer(secret)))
    const rests = readers.map((reader) => reader.rest())
    await api.as(ROOT, 'DELETE', `/v1/api-keys/${id}`)
    for (const rest of await Promise.all(rests)) {
      expect(rest.map(({ event }) => event)).toEqual(['error'])
      expect(JSON.parse(rest[0]?.data ?? '')).toMatchObject({ status: 401, code: 'unauthorized' })
    }
    ;(await polls[0])?.problem(401, 'unauthorized')
    await api.post(`/v1/jobs/${sent.id}/cancel`, undefined, bearer(ROOT))
    expect((await polls[1])?.status).toBe(200)
    for (const reader of others) expect(['cancelled', 'end']).toContain((await reader.next()).event)
  })

  it('ends streams of another process', async () => {
    const { id, key } = await api.makeKey({ tenant: null })
    await waitUntil(() => sibling.access.find(key) !== undefined)
    const reader = await EventReader.open(`${sibling.url}/v1/events`, bearer(key))
    await api.as(ROOT, 'DELETE', `/v1/api-keys/${id}`)
    expect((await reader.rest()).map(({ event }) => event)).toEqual(['error'])
    expect((await sibling.get('/v1/jobs', bearer(key))).status).toBe(401)
  })
})

describe('a key that expires', () => {
  it('ends its streams by the clock', async () => {
    const { key } = await api.makeKey({ tenant: null, expiresAt: new Date(Date.now() + 3000).toISOString() })
    const reader = await EventReader.open(`${api.url}/v1/events`, bearer(key))
    expect((await reader.rest()).map(({ event }) => event)).toEqual(['error'])
    expect(await statusOf(key)).toBe(401)
  })
})

describe('a rotation', () => {
  it('gives a new key, and lets the old one go on for the overlap', async () => {
    const old = await api.makeKey({ name: 'rotated', tenant: 'acme', scopes: ['read'] })
    const answer = await api.as(ACME, 'POST', `/v1/api-keys/${old.id}/rotate`)
    expect(answer.status).toBe(201)
    expect(answer.headers.get('location')).toBe(`/v1/api-keys/${answer.body.id}`)
    expect(answer.body).toMatchObject({ name: 'rotated', tenant: 'acme', scopes: ['read'], createdBy: 'acme' })
    expect([await statusOf(old.key), await statusOf(answer.body.key)]).toEqual([200, 200])
    const { expiresAt, replacedBy } = (await api.as(ACME, 'GET', `/v1/api-keys/${old.id}`)).body
    expect(replacedBy).toBe(answer.body.id)
    expect(Date.parse(expiresAt)).toBe(Date.parse(answer.body.createdAt) + 24 * 60 * 60 * 1000)
    ;(await api.as(ACME, 'POST', `/v1/api-keys/${old.id}/rotate`)).problem(409, 'illegal_transition')
  })

  it('without an overlap ends the old key now, and its streams', async () => {
    const old = await api.makeKey({ tenant: null })
    const reader = await EventReader.open(`${api.url}/v1/events`, bearer(old.key))
    const next = (await api.as(ROOT, 'POST', `/v1/api-keys/${old.id}/rotate`, { overlapMs: 0 })).body
    expect((await reader.rest()).map(({ event }) => event)).toEqual(['error'])
    expect([await statusOf(old.key), await statusOf(next.key)]).toEqual([401, 200])
  })

  it.each([{ overlapMs: -1 }, { overlapMs: '1' }, { overlapMs: 31 * 24 * 60 * 60 * 1000 }, { colour: 'red' }])(
    'is refused with %j',
    async (body) => {
      const { id } = await api.makeKey()
      const answer = await api.as(ROOT, 'POST', `/v1/api-keys/${id}/rotate`, body)
      answer.problem(400, 'validation_failed')
    },
  )
})

describe('when a key was used', () => {
  it('is written now and then', async () => {
    const { id, key } = await api.makeKey({ scopes: ['read'] })
    await api.get('/v1/jobs', bearer(key))
    await api.keyUses.write()
    const { lastUsedAt, createdAt } = (await api.as(ROOT, 'GET', `/v1/api-keys/${id}`)).body
    expect(Date.parse(lastUsedAt)).toBeGreaterThanOrEqual(Date.parse(createdAt))
  })
})

describe('pages', () => {
  const logIn = (key: string) =>
    fetch(`${api.url}/login`, { method: 'POST', redirect: 'manual', body: new URLSearchParams({ key }) })

  const cookieOf = async (key: string) => String((await logIn(key)).headers.get('set-cookie')?.split(';')[0])

  it('of the board are for keys of all tenants; the reference is for all that may read', async () => {
    expect((await logIn(ACME)).headers.get('location')).toBe('/docs')
    const cookie = await cookieOf(ACME)
    for (const path of ['/board', '/board/api/queues', '/board/static/images/logo.svg']) {
      const answer = await fetch(api.url + path, { headers: { cookie } })
      expect([path, answer.status, await answer.json()]).toEqual([
        path,
        403,
        expect.objectContaining({ code: 'forbidden' }),
      ])
    }
    const page = await fetch(`${api.url}/board`, { headers: { cookie, accept: 'text/html' } })
    expect([page.status, await page.text()]).toEqual([403, expect.stringMatching(/all tenants.*\/logout/s)])
    expect((await fetch(`${api.url}/docs`, { headers: { cookie } })).status).toBe(200)
    const ofAll = await cookieOf((await api.makeKey({ tenant: null, scopes: ['read'] })).key)
    expect((await fetch(`${api.url}/board`, { headers: { cookie: ofAll } })).status).toBe(200)
  })

  it('end with the key that logged in, and with no other', async () => {
    const [one, other] = [await api.makeKey({ tenant: null }), await api.makeKey({ tenant: null })]
    const cookies = [await cookieOf(one.key), await cookieOf(other.key)]
    await api.makeKey()
    await api.as(ROOT, 'DELETE', `/v1/api-keys/${one.id}`)
    const answers = await Promise.all(cookies.map((cookie) => fetch(`${api.url}/board`, { headers: { cookie } })))
    expect(answers.map(({ status }) => status)).toEqual([401, 200])
  })
})

describe('without a PostgreSQL', () => {
  it('keys and tenants can be neither read nor changed, and it is said what to set', async () => {
    const none = await openTestApi({ keys: ROOT })
    const calls: [string, string, object?][] = [
      ['GET', '/v1/api-keys'],
      ['POST', '/v1/api-keys', { name: 'a', scopes: ['read'] }],
      ['GET', `/v1/api-keys/${NOBODY}`],
      ['DELETE', `/v1/api-keys/${NOBODY}`],
      ['POST', `/v1/api-keys/${NOBODY}/rotate`],
      ['GET', '/v1/tenants'],
      ['GET', '/v1/tenants/acme'],
      ['PUT', '/v1/tenants/acme', {}],
      ['DELETE', '/v1/tenants/acme'],
    ]
    for (const [method, path, body] of calls) {
      const answer = await none.send(method, path, body, bearer(ROOT))
      expect(answer.problem(503, 'unavailable').hint, path).toContain('FOLIOT_DATABASE_URL')
    }
  })
})
