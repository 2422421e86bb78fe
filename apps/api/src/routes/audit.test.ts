import { type AuditEntry, newJobId } from '@foliot/jobs'
import { beginAudit, countAudit, endAudit } from '@foliot/queue'
import { startPostgres, waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { bearer, openAccessBed, ROOT } from '../fixtures/access-bed.ts'
import { EventReader } from '../fixtures/event-reader.ts'
import { startRecorder } from '../fixtures/recorder.ts'
import { openTestApi, type TestApi } from '../fixtures/test-api.ts'

const admin = bearer(ROOT)

const list = async (api: TestApi, query = '', headers = admin): Promise<AuditEntry[]> =>
  (await api.get(`/v1/audit?limit=200${query}`, headers)).body.items

/** Every entry, page by page. */
async function listAll(api: TestApi, limit: number, query = ''): Promise<AuditEntry[]> {
  const seen: AuditEntry[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { body } = await api.get(`/v1/audit?limit=${limit}${query}${cursor && `&cursor=${cursor}`}`, admin)
    seen.push(...body.items)
    cursor = body.nextCursor
  }
  return seen
}

/** Changes something, and gives the id of the entry. */
async function change(api: TestApi, headers = admin): Promise<string> {
  await api.post('/v1/queues/demo/pause', undefined, headers)
  return (await list(api))[0]?.id as string
}

/** Writes entries of a thousand requests at a time. */
async function write(api: TestApi, count: number, asked: unknown = null): Promise<string[]> {
  const ids: string[] = []
  for (let left = count; left > 0; left -= 1000) {
    const batch = Array.from({ length: Math.min(left, 1000) }, () => newJobId(Date.now()))
    ids.push(...batch)
    await Promise.all(
      batch.map(async (id) => {
        const target = { kind: 'job', id, tenant: 'default' }
        const actor = { id: 'k1', name: 'ops', tenant: null }
        const about = { ip: '127.0.0.1', forwardedFor: null, userAgent: null, asked, reason: 'r', traceId: 't' }
        const begin = { id, actor, action: 'job.cancel', target, ...about }
        const place = await beginAudit(api.redis, begin, { isRecorded: true })
        const end = { status: 200, code: null, target, before: null, after: null, endedAt: new Date().toISOString() }
        await endAudit(api.redis, { begin, place }, end)
      }),
    )
  }
  return ids
}

const untilTaken = (api: TestApi): Promise<unknown> =>
  waitUntil(async () => (await countAudit(api.redis)) === 0, { timeoutMs: 30_000, what: 'the audit to be taken' })

const idsOf = (entries: readonly AuditEntry[]): string[] => entries.map(({ id }) => id)

const isInOrder = (entries: readonly AuditEntry[]): boolean =>
  entries.every(({ at, id }, i) => i === 0 || `${entries[i - 1]?.at} ${entries[i - 1]?.id}` > `${at} ${id}`)

describe('GET /v1/audit', () => {
  it('has each entry once, wherever it is and while it is taken', async () => {
    const api = await openAccessBed()
    const ids = await write(api, 3000)
    const recorder = await startRecorder(api, api.databaseUrl)
    // Pages are read while the recorder takes what is on them.
    while ((await countAudit(api.redis)) > 0) {
      const seen = await listAll(api, 150)
      expect(new Set(idsOf(seen)).size).toBe(seen.length)
      expect([seen.length, isInOrder(seen)]).toEqual([ids.length, true])
    }
    await recorder.stop()
    ids.push(...(await write(api, 10)))
    const seen = await listAll(api, 199)
    expect([idsOf(seen).toSorted(), isInOrder(seen)]).toEqual([ids.toSorted(), true])
    expect(new Set(seen.map(({ outcome }) => outcome))).toEqual(new Set(['ok']))
  })

  it('has an action at once, before a recorder and after', async () => {
    const api = await openAccessBed()
    const before = await change(api)
    const recorder = await startRecorder(api, api.databaseUrl)
    await untilTaken(api)
    expect(idsOf(await list(api))).toEqual([before])
    const after = await change(api)
    expect(idsOf(await list(api))).toEqual([after, before])
    await recorder.stop()
  })

  it('has what Redis keeps where nothing is recorded', async () => {
    const api = await openTestApi({ keys: ROOT })
    const ids = await write(api, 1200)
    const seen = await listAll(api, 200)
    expect([idsOf(seen).toSorted(), isInOrder(seen)]).toEqual([ids.toSorted(), true])
  })

  describe('with entries in both places', async () => {
    const api = await openAccessBed({ keys: `${ROOT},the-secret-of-a-reader:read` })
    const acme = await api.makeKey({ name: 'acme ops', tenant: 'acme' })
    const other = await api.makeKey({ name: 'other ops', tenant: 'other' })
    const cancel = async (headers: Record<string, string>, tenant?: string) => {
      const job = { type: 'demo.echo', input: 1, delayMs: 3_600_000 }
      const by = tenant === undefined ? headers : bearer(tenant)
      const { id } = (await api.post('/v1/jobs', job, by)).job(202)
      await api.post(`/v1/jobs/${id}/cancel`, undefined, headers)
      return id
    }
    const ofAcme = await cancel(bearer(acme.key))
    const ofAcmeByRoot = await cancel(admin, acme.key)
    const ofOther = await cancel(bearer(other.key))
    await api.post('/v1/queues/demo/pause', undefined, admin)
    await api.post('/v1/queues/demo/pause', undefined, bearer('the-secret-of-a-reader'))
    const recorder = await startRecorder(api, api.databaseUrl)
    await untilTaken(api)
    await recorder.stop()
    await api.post(`/v1/jobs/${ofAcme}/cancel`, undefined, bearer(acme.key))
    await api.post('/v1/queues/nowhere/pause', undefined, admin)
    const all = await list(api)
    const [first] = all
    const between = all[3] as AuditEntry

    it.each<[string, (entry: AuditEntry) => boolean]>([
      ['action=job.cancel', ({ action }) => action === 'job.cancel'],
      ['actor=acme%20ops', ({ actor }) => actor.name === 'acme ops'],
      [`actor=${acme.id}`, ({ actor }) => actor.id === acme.id],
      ['target=queue', ({ target }) => target.kind === 'queue'],
      [`target=${ofAcme}`, ({ target }) => target.id === ofAcme],
      ['tenant=acme', ({ actor, target }) => actor.tenant === 'acme' || target.tenant === 'acme'],
      ['outcome=ok', ({ status }) => (status ?? 500) < 400],
      ['outcome=refused', ({ status }) => (status ?? 0) >= 400],
      ['outcome=failed', () => false],
      ['outcome=unknown', () => false],
      [`from=${between.at}`, ({ at }) => at >= between.at],
      [`to=${between.at}`, ({ at }) => at < between.at],
      ['action=job.cancel&outcome=refused', ({ action, status }) => action === 'job.cancel' && status === 409],
    ])('those that fit %s', async (query, fits) => {
      const expected = idsOf(all.filter(fits))
      expect(idsOf(await list(api, `&${query}`))).toEqual(expected)
      expect(idsOf(await listAll(api, 1, `&${query}`))).toEqual(expected)
    })

    it.each([`' or true --`, `x'; drop table foliot.audit; --`, '\u0000', '%', '{"$gt":""}', '\\'])(
      'no entry fits %j, and none is harmed',
      async (text) => {
        for (const name of ['action', 'actor', 'target', 'tenant']) {
          const { status, body } = await api.get(`/v1/audit?${name}=${encodeURIComponent(text)}`, admin)
          expect([name, status, body.items]).toEqual([name, 200, []])
        }
        expect(idsOf(await list(api))).toEqual(idsOf(all))
      },
    )

    it.each([
      'outcome=great',
      'limit=0',
      'limit=201',
      'colour=red',
      'from=yesterday',
      'from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z',
      'action=a&action=b',
      'action=',
      'format=csv',
      'cursor=x',
      `cursor=${Buffer.from('["",1,"\' or true"]').toString('base64url')}`,
      'format=jsonl&limit=5',
      'format=jsonl&cursor=x',
    ])('refuses %s', async (query) => {
      ;(await api.get(`/v1/audit?${query}`, admin)).problem(400, 'validation_failed')
    })

    it('takes a cursor for its own filter alone, and as it was given', async () => {
      const { body } = await api.get('/v1/audit?limit=1', admin)
      const cursor: string = body.nextCursor
      ;(await api.get(`/v1/audit?limit=1&outcome=ok&cursor=${cursor}`, admin)).problem(400, 'validation_failed')
      ;(await api.get(`/v1/audit?cursor=${cursor.slice(0, -2)}`, admin)).problem(400, 'validation_failed')
      expect(idsOf((await api.get(`/v1/audit?cursor=${cursor}`, admin)).body.items)).toEqual(idsOf(all.slice(1)))
    })

    it('shows a key of one tenant what was done by its keys or to its jobs, and nothing else', async () => {
      const seen = await list(api, '', bearer(acme.key))
      const expected = all.filter(({ actor, target }) => actor.tenant === 'acme' || target.tenant === 'acme')
      expect(seen).toEqual(expected)
      expect(seen.map(({ target }) => target.id)).toContain(ofAcmeByRoot)
      expect(JSON.stringify(seen)).not.toContain(ofOther)
      expect(await list(api, '&tenant=other', bearer(acme.key))).toEqual([])
      expect(await list(api, `&target=${ofOther}`, bearer(acme.key))).toEqual([])
      const lines = await (await fetch(`${api.url}/v1/audit?format=jsonl`, { headers: bearer(acme.key) })).text()
      expect(
        lines
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line)),
      ).toEqual(expected)
    })

    it('is for admins alone', async () => {
      ;(await api.get('/v1/audit', bearer('the-secret-of-a-reader'))).problem(403, 'forbidden')
    })

    it.each([
      ['format=jsonl', {}, 'application/jsonl; charset=utf-8'],
      ['', { accept: 'application/jsonl' }, 'application/jsonl; charset=utf-8'],
      ['', { accept: 'text/plain, application/x-ndjson;q=0.9' }, 'application/x-ndjson; charset=utf-8'],
      ['format=json', { accept: 'application/jsonl' }, 'application/json; charset=utf-8'],
    ])('answers %s with %j', async (query, headers, type) => {
      const answer = await fetch(`${api.url}/v1/audit?${query}`, { headers: { ...admin, ...headers } })
      expect(answer.headers.get('content-type')).toBe(type)
      const text = await answer.text()
      const items = type.includes('/json;')
        ? JSON.parse(text).items
        : text
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line))
      expect(idsOf(items)).toEqual(idsOf(all))
      expect(items[0]).toEqual(first)
    })
  })

  it('exports ten thousand entries of both places, each once', async () => {
    const api = await openAccessBed()
    const ids = await write(api, 6000)
    const recorder = await startRecorder(api, api.databaseUrl)
    await untilTaken(api)
    await recorder.stop()
    ids.push(...(await write(api, 4000)))
    const answer = await fetch(`${api.url}/v1/audit?format=jsonl`, { headers: admin })
    const text = await answer.text()
    const entries = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditEntry)
    expect([idsOf(entries).toSorted(), isInOrder(entries)]).toEqual([ids.toSorted(), true])
  })

  it('breaks off an export whose key was revoked', async () => {
    const api = await openAccessBed()
    // More than the buffers between both ends take.
    await write(api, 4000, 'x'.repeat(6000))
    const { id, key } = await api.makeKey()
    const answer = await fetch(`${api.url}/v1/audit?format=jsonl`, { headers: bearer(key) })
    expect(answer.status).toBe(200)
    expect((await api.send('DELETE', `/v1/api-keys/${id}`, undefined, admin)).status).toBe(204)
    await expect(answer.text()).rejects.toThrow()
  })

  it('counts an export among the streams, until it is over', async () => {
    const api = await openAccessBed({ streams: { most: 1 } })
    const statusOf = async () => {
      const answer = await fetch(`${api.url}/v1/audit?format=jsonl`, { headers: admin })
      await answer.text()
      return answer.status
    }
    const events = await EventReader.open(`${api.url}/v1/events`, admin)
    expect(await statusOf()).toBe(503)
    events.close()
    for (let times = 0; times < 3; times++) await waitUntil(async () => (await statusOf()) === 200)
  })

  it('cuts off an export that nobody reads', async () => {
    const api = await openAccessBed({ streams: { patienceMs: 100 } })
    await write(api, 4000, 'x'.repeat(6000))
    const answer = await fetch(`${api.url}/v1/audit?format=jsonl`, { headers: admin })
    await waitUntil(() => new Promise<boolean>((resolve) => api.app.server.getConnections((_, n) => resolve(n === 0))))
    await expect(answer.text()).rejects.toThrow()
  })

  it('says why while PostgreSQL is away; changes go on, and are there when it is back', async () => {
    const server = await startPostgres()
    const api = await openAccessBed({ databaseUrl: server.url })
    await api.post('/v1/queues/demo/pause', undefined, admin)
    expect((await api.get('/v1/audit', admin)).problem(503, 'unavailable').detail).toMatch(
      /tables of this version are not there yet/,
    )
    const recorder = await startRecorder(api, server.url)
    await untilTaken(api)
    const ids = idsOf(await list(api))
    await server.kill()
    expect((await api.get('/v1/audit', admin)).problem(503, 'unavailable').detail).toMatch(/PostgreSQL/)
    const exported = await fetch(`${api.url}/v1/audit?format=jsonl`, { headers: admin })
    expect(exported.status).toBe(503)
    for (let i = 0; i < 3; i++) expect((await api.post('/v1/queues/demo/resume', undefined, admin)).status).toBe(200)
    expect(await countAudit(api.redis)).toBe(3)
    await startPostgres({ dir: server.dir, port: server.port })
    await untilTaken(api)
    const seen = await waitUntil(async () => {
      const { status, body } = await api.get('/v1/audit', admin)
      return status === 200 ? (body.items as AuditEntry[]) : undefined
    })
    expect(seen.map(({ action }) => action)).toEqual(['queue.resume', 'queue.resume', 'queue.resume', 'queue.pause'])
    expect(seen.at(-1)?.id).toBe(ids[0])
    await recorder.stop()
  })
})
