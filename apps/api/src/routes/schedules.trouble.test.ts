import { parseProjected, readProjected } from '@foliot/queue'
import { askPostgres, testDatabaseUrl, testRedisUrl } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { bearer, databaseWithTables, ROOT } from '../fixtures/access-bed.ts'
import { openTestApi } from '../fixtures/test-api.ts'

const NIGHTLY = { type: 'demo.echo', input: { hello: 'world' }, cron: '30 2 * * *', timezone: 'Europe/Berlin' }

let made = 0
const newId = (): string => `s${++made}`
const path = (id: string): string => `/v1/schedules/${id}`

describe('schedules', () => {
  it('answer 503 while PostgreSQL is away, has no tables, or where there is none', async () => {
    const apis = await Promise.all([
      openTestApi(),
      openTestApi({ databaseUrl: await testDatabaseUrl() }),
      openTestApi({ databaseUrl: 'postgres://127.0.0.1:1/nowhere' }),
    ])
    for (const one of apis) {
      ;(await one.get('/v1/schedules')).problem(503, 'unavailable')
      ;(await one.send('PUT', path('a'), NIGHTLY)).problem(503, 'unavailable')
      ;(await one.get('/v1/calendars')).problem(503, 'unavailable')
    }
  })

  it('are read, triggered and backfilled from what Redis has while PostgreSQL is away', async () => {
    const redisUrl = await testRedisUrl()
    const newApi = async (databaseUrl: string) => {
      const { send, redis } = await openTestApi({ redisUrl, databaseUrl, keys: ROOT })
      return {
        redis,
        send: (method: string, path: string, body?: unknown, headers = {}) =>
          send(method, path, body, { ...bearer(ROOT), ...headers }),
      }
    }
    const before = await newApi(await databaseWithTables())
    const [id, gone] = [newId(), newId()]
    await before.send('PUT', '/v1/calendars/closed', { windows: [{ days: ['sat', 'sun'] }] })
    await before.send('PUT', path(id), { ...NIGHTLY, calendars: ['closed'], labels: { a: 'b' } })
    await before.send('PUT', path(gone), NIGHTLY)
    await before.send('DELETE', path(gone))
    const expected = await before.send('GET', path(id))
    const key = { 'idempotency-key': newId() }
    const first = (await before.send('POST', `${path(id)}/trigger`, undefined, key)).job(202)

    const away = await newApi('postgres://127.0.0.1:1/nowhere')
    const read = await away.send('GET', path(id))
    expect(read.body).toEqual(expected.body)
    expect(read.headers.get('etag')).toBe(expected.headers.get('etag'))
    expect((await away.send('POST', `${path(id)}/trigger`, undefined, key)).job(200).id).toBe(first.id)
    expect((await away.send('POST', `${path(id)}/trigger`)).job(202)).toMatchObject({
      scheduleId: id,
      labels: { a: 'b' },
    })
    const range = { from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z', dryRun: true }
    expect((await away.send('POST', `${path(id)}/backfill`, range)).status).toBe(202)
    for (const verb of ['trigger', 'backfill']) {
      ;(await away.send('POST', `${path(gone)}/${verb}`, verb === 'backfill' ? range : undefined)).problem(
        404,
        'not_found',
      )
    }
    ;(await away.send('GET', path(gone))).problem(404, 'not_found')
    // Whether there is one that Redis does not know nobody can tell.
    ;(await away.send('GET', path(newId()))).problem(503, 'unavailable')
    await before.redis.del('foliot-x:{schedules}:calendars')
    ;(await away.send('GET', path(id))).problem(503, 'unavailable')
    ;(await away.send('POST', `${path(id)}/pause`)).problem(503, 'unavailable')
  })

  it('are changed part by part when they are many, which goes on where it failed', async () => {
    const url = await databaseWithTables()
    const own = await openTestApi({ databaseUrl: url })
    await own.send('PUT', path('s0'), NIGHTLY)
    await askPostgres(
      url,
      `insert into foliot.schedules (tenant, id, revision, type, paused, labels, calendars, definition, created_at, updated_at)
     select tenant, 's' || n, revision - 20000 + n, type, paused, labels, calendars,
       jsonb_set(definition::jsonb, '{id}', to_jsonb('s' || n))::text, created_at, updated_at
     from foliot.schedules, generate_series(1, 2499) as n`,
    )
    // By id this is one of the last.
    await askPostgres(
      url,
      `create function foliot.stop() returns trigger language plpgsql as $$
     begin
       if new.id = 's999' then raise exception 'the server stops' using errcode = '57P01'; end if;
       return new;
     end $$;
     create trigger stop before update on foliot.schedules for each row execute function foliot.stop()`,
    )
    ;(await own.post('/v1/schedules/pause', { all: true })).problem(503, 'unavailable')
    await askPostgres(url, 'drop trigger stop on foliot.schedules')
    expect((await own.post('/v1/schedules/pause', { all: true })).body).toEqual({ changed: 500 })
    expect((await own.post('/v1/schedules/pause', { all: true })).body).toEqual({ changed: 0 })
    const { items } = (await own.get('/v1/audit?action=schedules.pause')).body
    const after = items.map((entry: { outcome: string; after: { changed: number; sample: string[] } }) => [
      entry.outcome,
      entry.after.changed,
      entry.after.sample.length,
    ])
    expect(after).toEqual([
      ['ok', 0, 0],
      ['ok', 500, 10],
      ['failed', 2000, 10],
    ])
    const keys = Array.from({ length: 2500 }, (_, n) => `default/s${n}`)
    const texts = await readProjected(own.redis, keys)
    expect(texts.filter((text, n) => parseProjected(keys[n] as string, text ?? '').current?.paused)).toHaveLength(2500)
  })

  it('answer 503 while the tables are those of an earlier version, and says who makes them', async () => {
    const earlier = await databaseWithTables()
    await askPostgres(earlier, 'alter table foliot.tenants drop column max_schedules')
    const ahead = await openTestApi({ databaseUrl: earlier })
    const { detail } = (await ahead.send('PUT', path('a'), NIGHTLY)).problem(503, 'unavailable')
    expect(detail).toContain('the tables of this version are not there yet: a recorder of it makes them')
    ;(await ahead.get('/v1/tenants')).problem(503, 'unavailable')
  })
})
