import type { Scope } from '@foliot/access'
import { describe, expect, it } from 'vitest'
import type { OpenApi } from '../fixtures/contract.ts'
import { openTestApi } from '../fixtures/test-api.ts'

const SECRETS: Record<Scope, string> = {
  read: 'a-secret-for-reading',
  enqueue: 'a-secret-for-enqueueing',
  operate: 'a-secret-for-operating',
  admin: 'a-secret-for-everything',
}

const keys = Object.entries(SECRETS).map(([scope, secret]) => `${secret}:${scope}`)
const api = await openTestApi({
  keys: [...keys, 'a-secret:with:colons:read+enqueue', 'a-secret-without-scopes'].join(),
})

const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` })

/** Every call that the OpenAPI document tells of, so that a new one is held to this without being named here. */
const { paths } = api.app.swagger() as unknown as OpenApi
const calls = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { security }]) => ({
    method: method.toUpperCase(),
    path: path.replace('{id}', '0198c0de-0000-7000-8000-000000000000').replace('{name}', 'demo'),
    isPublic: security?.length === 0,
  })),
)
const guarded = calls.filter(({ isPublic }) => !isPublic)

function scopeFor({ method, path }: (typeof calls)[number]): Scope {
  if (/^\/v1\/(api-keys|audit|tenants)(\/|$)/.test(path)) return 'admin'
  const isDefinition = /^\/v1\/(schedules|calendars)(\/|$)/.test(path)
  if ((method === 'DELETE' && !isDefinition) || path === '/v1/jobs/delete') return 'admin'
  if (method === 'GET' || path === '/v1/schedules/preview') return 'read'
  return path === '/v1/jobs' || path === '/v1/jobs/batch' ? 'enqueue' : 'operate'
}

/** A stream has no end; that of no queue is an answer as any other. */
const endingPath = (path: string): string => (path === '/v1/events' ? `${path}?queue=nowhere` : path)

const call = ({ method, path }: { method: string; path: string }, headers: Record<string, string> = {}) =>
  api.send(method, endingPath(path), method === 'GET' ? undefined : {}, headers)

describe('with keys', () => {
  it('only liveness and readiness are open', async () => {
    const open = calls.filter(({ isPublic }) => isPublic)
    expect(open.map(({ path }) => path).toSorted()).toEqual(['/healthz', '/readyz'])
    for (const one of open) expect((await call(one)).status).toBe(200)
  })

  it.each(guarded)('$method $path wants a key', async (one) => {
    for (const headers of [{}, bearer('a-secret-of-somebody-else'), bearer(''), { authorization: SECRETS.admin }]) {
      const answer = await call(one, headers)
      answer.problem(401, 'unauthorized')
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    }
  })

  it.each(guarded)('$method $path wants a key of its scope', async (one) => {
    const scope = scopeFor(one)
    for (const [other, secret] of Object.entries(SECRETS)) {
      const answer = await call(one, bearer(secret))
      if (other === scope || other === 'admin') expect([401, 403]).not.toContain(answer.status)
      else expect(answer.problem(403, 'forbidden').detail).toContain(scope)
    }
  })

  it.each([
    ['a path that is not there', 'GET', '/v1/nothing'],
    ['a method that is not taken', 'DELETE', '/v1/jobs'],
    ['HEAD', 'HEAD', '/v1/jobs'],
    ['a key in the query', 'GET', `/v1/jobs?key=${SECRETS.admin}`],
  ])('nothing is told without one: %s', async (_, method, path) => {
    expect((await api.send(method, path)).status).toBe(401)
  })

  it('a body is not even read without one', async () => {
    ;(await api.post('/v1/jobs', 'x'.repeat(2_000_000))).problem(401, 'unauthorized')
  })

  it.each([
    ['bearer in lower case', { authorization: `bearer ${SECRETS.read}` }],
    ['space around it', { authorization: `Bearer   ${SECRETS.read} ` }],
    ['colons in it', bearer('a-secret:with:colons')],
    ['no scopes, which is all of them', bearer('a-secret-without-scopes')],
  ])('a key is taken with %s', async (_, headers) => {
    expect((await api.get('/v1/jobs', headers)).status).toBe(200)
  })

  it('a move is told with the name of the key, which is not its secret', async () => {
    const job = (
      await api.post('/v1/jobs', { type: 'demo.echo', input: 1, delayMs: 60_000 }, bearer(SECRETS.admin))
    ).job(202)
    const { timeline } = (await api.post(`/v1/jobs/${job.id}/promote`, undefined, bearer(SECRETS.admin))).job(200)
    expect(timeline.at(-1)?.detail).toMatch(/^by key-[0-9a-f]{8}$/)
  })
})

describe('without keys', () => {
  it('everything is open', async () => {
    const open = await openTestApi()
    for (const { method, path } of calls) {
      const answer = await open.send(method, endingPath(path), method === 'GET' ? undefined : {})
      expect([401, 403]).not.toContain(answer.status)
    }
  })
})
