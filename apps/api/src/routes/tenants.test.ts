import { describe, expect, it } from 'vitest'
import { openAccessBed, ROOT } from '../fixtures/access-bed.ts'

const api = await openAccessBed()
const ACME = (await api.makeKey({ tenant: 'acme' })).key
const READER = (await api.makeKey({ tenant: null, scopes: ['read', 'enqueue', 'operate'] })).key
const enqueueRate = { max: 10, perMs: 1000 }
/** What is left out. */
const NONE = { enqueueRate: null, maxDepth: null, maxSchedules: null, maxCalendars: null }

describe('the limits of a tenant', () => {
  it('are set as a whole, hold at once, and are lifted', async () => {
    const set = await api.as(ROOT, 'PUT', '/v1/tenants/shop', { enqueueRate, maxDepth: 7 })
    expect([set.status, set.body]).toEqual([200, { ...NONE, name: 'shop', enqueueRate, maxDepth: 7 }])
    expect(api.access.limitsOf('shop')).toEqual({ enqueueRate, maxDepth: 7 })
    expect((await api.as(ROOT, 'GET', '/v1/tenants/shop')).body).toEqual(set.body)
    const less = await api.as(ROOT, 'PUT', '/v1/tenants/shop', { maxDepth: null })
    expect(less.body).toEqual({ ...NONE, name: 'shop' })
    expect(api.access.limitsOf('shop')).toEqual({})
    expect((await api.as(ROOT, 'DELETE', '/v1/tenants/shop')).status).toBe(204)
    expect((await api.as(ROOT, 'DELETE', '/v1/tenants/shop')).status).toBe(204)
    expect(api.access.limitsOf('shop')).toBeUndefined()
    ;(await api.as(ROOT, 'GET', '/v1/tenants/shop')).problem(404, 'not_found')
  })

  it('are listed by name, page by page', async () => {
    for (const name of ['l3', 'l1', 'l2']) await api.as(ROOT, 'PUT', `/v1/tenants/${name}`, {})
    const first = (await api.as(ROOT, 'GET', '/v1/tenants?limit=2')).body
    expect(first.items.map(({ name }: { name: string }) => name)).toEqual(['l1', 'l2'])
    const second = (await api.as(ROOT, 'GET', `/v1/tenants?limit=2&cursor=${first.nextCursor}`)).body
    expect(second).toEqual({ items: [{ ...NONE, name: 'l3' }], nextCursor: null })
    ;(await api.as(ROOT, 'GET', '/v1/tenants?cursor=abc')).problem(400, 'validation_failed')
  })

  it.each([
    ['/enqueueRate/max', { enqueueRate: { max: 0, perMs: 1 } }],
    ['/enqueueRate/perMs', { enqueueRate: { max: 1, perMs: 0 } }],
    ['/enqueueRate/perMs', { enqueueRate: { max: 1 } }],
    ['/maxDepth', { maxDepth: 0 }],
    ['/maxDepth', { maxDepth: 1.5 }],
    ['/maxSchedules', { maxSchedules: -1 }],
    ['/maxCalendars', { maxCalendars: 'many' }],
    ['/colour', { colour: 'red' }],
  ])('are refused with a wrong %s', async (path, body) => {
    const answer = await api.as(ROOT, 'PUT', '/v1/tenants/shop', body)
    expect(answer.problem(400, 'validation_failed').errors?.map((error) => error.path)).toEqual([path])
  })

  it.each(['ACME', '-a', 'x'.repeat(64), "a'; drop table foliot.tenants; --", '..%2f'])(
    'are refused for a tenant that cannot be: %s',
    async (name) => {
      const path = `/v1/tenants/${encodeURIComponent(name)}`
      ;(await api.as(ROOT, 'PUT', path, {})).problem(400, 'validation_failed')
      ;(await api.as(ROOT, 'DELETE', path)).problem(400, 'validation_failed')
      ;(await api.as(ROOT, 'GET', path)).problem(404, 'not_found')
    },
  )
})

describe('a key of one tenant', () => {
  it('may read what its own tenant may do, and nothing else', async () => {
    expect((await api.as(ACME, 'GET', '/v1/tenants/acme')).body).toEqual({ ...NONE, name: 'acme' })
    await api.as(ROOT, 'PUT', '/v1/tenants/acme', { enqueueRate })
    await api.as(ROOT, 'PUT', '/v1/tenants/other', { enqueueRate })
    expect((await api.as(ACME, 'GET', '/v1/tenants/acme')).body).toMatchObject({ enqueueRate })
    const calls: [string, string, object?][] = [
      ['GET', '/v1/tenants'],
      ['GET', '/v1/tenants/other'],
      ['GET', '/v1/tenants/nobody'],
      ['PUT', '/v1/tenants/other', {}],
      ['DELETE', '/v1/tenants/other'],
    ]
    for (const [method, path, body] of calls) (await api.as(ACME, method, path, body)).problem(404, 'not_found')
    for (const method of ['PUT', 'DELETE']) {
      ;(await api.as(ACME, method, '/v1/tenants/acme', method === 'PUT' ? {} : undefined)).problem(403, 'forbidden')
    }
    expect(api.access.limitsOf('acme')).toEqual({ enqueueRate })
  })
})

describe('a key without the scope admin', () => {
  it('may do nothing here', async () => {
    for (const path of ['/v1/tenants', '/v1/tenants/acme', '/v1/api-keys']) {
      const answer = await api.as(READER, 'GET', path)
      answer.problem(403, 'forbidden')
    }
  })
})
