import { startApi, testRedisUrl } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { openAccessBed } from '../fixtures/access-bed.ts'

const OPERATOR = 'the-secret-of-an-operator'
const READER = 'the-secret-of-a-reader'
const PRODUCER = 'the-secret-of-a-producer'

const FOLIOT_REDIS_URL = await testRedisUrl()
const FOLIOT_API_KEYS = `${OPERATOR}:read+operate,${READER}:read,${PRODUCER}:enqueue`
const [api, sibling, open] = await Promise.all([
  startApi({ FOLIOT_REDIS_URL, FOLIOT_API_KEYS }),
  startApi({ FOLIOT_REDIS_URL, FOLIOT_API_KEYS }),
  startApi({ FOLIOT_REDIS_URL }),
])

const ask = (path: string, init: RequestInit = {}, url = api.url): Promise<Response> =>
  fetch(url + path, { redirect: 'manual', ...init })

const askForPage = (path: string, cookie?: string): Promise<Response> =>
  ask(path, { headers: { accept: 'text/html,*/*', ...(cookie && { cookie }) } })

const logIn = (key: string, next?: string, headers: Record<string, string> = {}): Promise<Response> =>
  ask('/login', { method: 'POST', headers, body: new URLSearchParams({ key, ...(next !== undefined && { next }) }) })

async function cookieOf(key: string): Promise<string> {
  const [pair] = (await logIn(key)).headers.get('set-cookie')?.split(';') ?? []
  return String(pair)
}

const pause = (headers: Record<string, string>): Promise<Response> =>
  ask('/v1/queues/nowhere/pause', { method: 'POST', headers })

describe('without a session', () => {
  it.each(['/board', '/board/queue/demo?status=failed', '/docs'])(
    'a browser is led from %s to the login',
    async (path) => {
      const answer = await askForPage(path)
      expect(answer.status).toBe(303)
      expect(answer.headers.get('location')).toBe(`/login?next=${encodeURIComponent(path)}`)
    },
  )

  it.each(['/board', '/board/api/queues', '/docs', '/docs/json', '/logout'])(
    'a program gets a 401 from %s',
    async (path) => {
      const answer = await ask(path)
      expect(answer.status).toBe(401)
      expect(answer.headers.get('content-type')).toContain('application/problem+json')
      expect(await answer.json()).toMatchObject({ code: 'unauthorized' })
    },
  )

  it('the scripts and styles of the pages are closed too', async () => {
    for (const path of ['/board/static/images/logo.svg', '/docs/static/swagger-ui.css']) {
      expect((await ask(path)).status, path).toBe(401)
    }
  })

  it('the login page says what it wants, where it leads, and may load nothing', async () => {
    const answer = await askForPage('/login?next=/docs')
    expect(answer.status).toBe(200)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('content-security-policy')).toMatch(/default-src 'none'.*frame-ancestors 'none'/)
    const page = await answer.text()
    expect(page).toContain('<label for="key">')
    expect(page).toContain('value="/docs"')
    expect(page).not.toMatch(/<script|https?:/)
  })
})

describe('a login', () => {
  it('gives a cookie that scripts cannot read, other sites cannot have sent, and that holds no secret', async () => {
    const answer = await logIn(READER, '/board/queue/demo')
    expect(answer.status).toBe(303)
    expect(answer.headers.get('location')).toBe('/board/queue/demo')
    const cookie = answer.headers.get('set-cookie')
    expect(cookie).toMatch(/^foliot_session=[\w.-]+; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/)
    expect(cookie).not.toContain(READER)
  })

  it('gives a cookie for https alone to whoever comes by https', async () => {
    const answer = await logIn(READER, undefined, { 'x-forwarded-proto': 'https, http' })
    expect(answer.headers.get('set-cookie')).toMatch(/; Secure$/)
  })

  it('opens board, reference and API, also of another instance with the same keys', async () => {
    const cookie = await cookieOf(READER)
    for (const url of [api.url, sibling.url]) {
      for (const path of ['/board', '/docs', '/openapi.json', '/board/api/queues']) {
        expect((await ask(path, { headers: { cookie } }, url)).status, path).toBe(200)
      }
    }
    expect((await askForPage('/login?next=/docs', cookie)).headers.get('location')).toBe('/docs')
  })

  it('takes a key that another instance has made just now', async () => {
    const one = await openAccessBed()
    const other = await openAccessBed({ databaseUrl: one.databaseUrl })
    const { key } = await one.makeKey({ scopes: ['read'] })
    const body = new URLSearchParams({ key })
    expect((await ask('/login', { method: 'POST', body }, other.url)).status).toBe(303)
  })

  it('with an unknown key gets a 401 page that says so, without the key, and no cookie', async () => {
    const answer = await logIn('<b>guess</b>', '/docs')
    expect(answer.status).toBe(401)
    expect(answer.headers.get('set-cookie')).toBeNull()
    expect(answer.headers.get('content-type')).toContain('text/html')
    const page = await answer.text()
    expect(page).toContain('role="alert"')
    expect(page).toContain('value="/docs"')
    expect(page).not.toContain('guess')
    expect((await logIn('')).status).toBe(401)
  })

  it('with a key that may not read gets a 403 page and no cookie', async () => {
    const answer = await logIn(PRODUCER)
    expect(answer.status).toBe(403)
    expect(answer.headers.get('set-cookie')).toBeNull()
    expect(await answer.text()).toContain('read')
  })

  it.each(['https://evil.example/', '//evil.example', '/\\evil.example'])(
    'does not lead to another site: %s',
    async (next) => {
      expect((await logIn(READER, next)).headers.get('location')).toBe('/board')
      expect(await (await askForPage(`/login?next=${encodeURIComponent(next)}`)).text()).toContain('value="/board"')
    },
  )

  it('is not taken from a page of another site', async () => {
    const answer = await logIn(READER, undefined, { origin: 'https://evil.example' })
    expect(answer.status).toBe(403)
    expect(answer.headers.get('set-cookie')).toBeNull()
  })

  it('is written down by the name of the key, and a refused one without the key', async () => {
    await logIn(OPERATOR)
    const line = await api.waitForLine(({ json }) => json?.msg === 'logged in')
    expect(line.json).toMatchObject({ level: 'info', caller: expect.stringMatching(/^key-\w{8}$/) })
    await logIn('some-wrong-guess')
    await api.waitForLine(({ json }) => json?.msg === 'wrong keys were shown')
    await logIn(PRODUCER)
    await api.waitForLine(({ json }) => json?.msg === 'a login was refused')
    for (const { text } of api.lines) expect(text).not.toMatch(/some-wrong-guess|the-secret-of/)
  })

  it('ends with a log-out', async () => {
    const cookie = await cookieOf(READER)
    expect(await (await askForPage('/logout', cookie)).text()).toContain('<form method="post" action="/logout">')
    const answer = await ask('/logout', { method: 'POST', headers: { cookie, origin: api.url } })
    expect(answer.status).toBe(303)
    expect(answer.headers.get('set-cookie')).toMatch(/^foliot_session=; .*Max-Age=0/)
  })

  it('takes a form or JSON, and nothing that is large', async () => {
    const json = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ key: READER }),
    }
    expect((await ask('/login', json)).status).toBe(303)
    expect((await logIn('x'.repeat(100_000))).status).toBe(413)
  })
})

describe('a change by cookie', () => {
  it('is taken from our own pages, by any of the API', async () => {
    const cookie = await cookieOf(OPERATOR)
    for (const headers of [{ origin: api.url }, { referer: `${api.url}/board` }, { 'sec-fetch-site': 'same-origin' }]) {
      // There is no such queue: the request got past the door.
      expect((await pause({ cookie, ...headers })).status).toBe(404)
    }
  })

  it.each<[string, Record<string, string>]>([
    ['from another site', { origin: 'https://evil.example' }],
    ['from nowhere', {}],
    ['from an origin that hides itself', { origin: 'null' }],
  ])('is refused if it comes %s', async (_where, headers) => {
    const answer = await pause({ cookie: await cookieOf(OPERATOR), ...headers })
    expect(answer.status).toBe(403)
    expect(await answer.json()).toMatchObject({ code: 'forbidden' })
  })

  it('needs the scopes of the key that logged in', async () => {
    expect((await pause({ cookie: await cookieOf(READER), origin: api.url })).status).toBe(403)
  })

  it('is not asked for its origin if the key is in the header', async () => {
    expect((await pause({ authorization: `Bearer ${OPERATOR}` })).status).toBe(404)
  })

  it('is refused with a cookie that we did not sign', async () => {
    const cookie = (await cookieOf(OPERATOR)).replace(/\.\d+\./, '.9999999999.')
    expect((await pause({ cookie, origin: api.url })).status).toBe(401)
  })
})

describe('without keys', () => {
  it('everything is open to this machine, without a login', async () => {
    for (const path of ['/board', '/docs']) expect((await ask(path, {}, open.url)).status, path).toBe(200)
    expect((await ask('/login?next=/docs', {}, open.url)).headers.get('location')).toBe('/docs')
    expect(await (await ask('/board', {}, open.url)).text()).not.toContain('/logout')
    const board = await ask('/board', { headers: { authorization: `Bearer ${READER}` } })
    expect(await board.text()).toContain('/logout')
  })

  it('a page of another site cannot have the browser change something', async () => {
    const change = (headers: Record<string, string>) =>
      ask('/v1/queues/nowhere/pause', { method: 'POST', headers }, open.url)
    expect((await change({ origin: 'https://evil.example' })).status).toBe(403)
    expect((await change({ 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await change({ origin: open.url })).status).toBe(404)
    expect((await change({})).status).toBe(404)
  })
})

describe('the reference page', () => {
  it('shows the contract as it is, with everything from this server', async () => {
    const headers = { authorization: `Bearer ${READER}` }
    const page = await (await ask('/docs', { headers })).text()
    const files = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => String(file))
    expect(files.length).toBeGreaterThan(3)
    for (const file of files) expect((await ask(file, { headers })).status, file).toBe(200)
    const contract = (await (await ask('/openapi.json', { headers })).json()) as { paths: object }
    expect(await (await ask('/docs/json', { headers })).json()).toEqual(contract)
    expect(Object.keys(contract.paths).filter((path) => !/^\/(v1|healthz|readyz|metrics|openapi)/.test(path))).toEqual(
      [],
    )
  })
})
