import { echo } from '@foliot/example-demo/jobs'
import { readJob as readFromHistory, readLog } from '@foliot/history'
import { describeJob } from '@foliot/jobs'
import { announce, cancelJob, listJobs, readJob, redriveJob } from '@foliot/queue'
import { startPostgres, startRedis, waitUntil } from '@foliot/testkit'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { fail, openTestBed, succeed } from './fixtures/test-bed.ts'

describe('the recorder', () => {
  it('takes what finished into the history as it was, and lets Redis forget it', async () => {
    const bed = await openTestBed()
    const queue = await bed.newQueue()
    const inputText = '{"b":1.0,"a":12345678901234567890,"1":0,"text":"\\u0000 \\ud800"}'
    const [id = ''] = await bed.add(queue, 1, { inputText, labels: { team: 'a' } })
    await bed.runAll(queue, async (attempt) => {
      attempt.log('first line')
      await attempt.flushLog()
      return { kind: 'succeeded', output: '{"z":1e3,"y":-0}' }
    })
    const before = await readJob(bed.redis, [queue], id)
    await bed.startRecorder()
    await bed.untilRecorded(queue)
    const document = (await readFromHistory(bed.db, id)) as string
    expect(JSON.parse(document)).toEqual(before)
    expect(document).toContain(`"input":${inputText},"output":{"z":1e3,"y":-0}`)
    expect(await readLog(bed.db, id)).toEqual(['first line'])
    await expect(readJob(bed.redis, [queue], id)).rejects.toMatchObject({ code: 'not_found' })
  })

  it('keeps dead letters where they can be redriven, and records what became of them then', async () => {
    const bed = await openTestBed()
    const queue = await bed.newQueue()
    const [id = ''] = await bed.add(queue, 1)
    await bed.startRecorder()
    await bed.runAll(queue, fail)
    await bed.untilRecorded(queue)
    expect(await bed.history(id)).toMatchObject({ status: 'failed', attempt: 1, error: { message: 'no luck' } })
    await redriveJob(bed.redis, { queue, id }, { by: 'test' })
    await bed.runAll(queue, succeed)
    await bed.untilRecorded(queue)
    expect(await bed.history(id)).toMatchObject({ status: 'succeeded', attempt: 2, error: null })
    expect(await bed.rows('attempts', id)).toBe(2)
  })

  it('passes over a dead letter that was redriven before it was recorded, and records its next end', async () => {
    const bed = await openTestBed()
    const queue = await bed.newQueue()
    const [id = ''] = await bed.add(queue, 1)
    await bed.runAll(queue, fail)
    await redriveJob(bed.redis, { queue, id }, { by: 'test' })
    // What a look at the outbox found that began before the redrive.
    await bed.redis.zadd(`foliot-x:{${queue}}:unrecorded`, 1, id)
    const recorder = await bed.startRecorder()
    await bed.untilRecorded(queue)
    expect((await listJobs(bed.redis, { queues: [queue] }, 10)).items).toMatchObject([{ id, status: 'queued' }])
    await bed.runAll(queue, succeed)
    await bed.untilRecorded(queue)
    expect(await bed.history(id)).toMatchObject({ status: 'succeeded', attempt: 2 })
    expect(recorder.lines.filter(({ json }) => json?.jobId === id)).toEqual([])
  })

  it('records what became of a dead letter that was redriven, also of a type of which only failures are kept', async () => {
    const bed = await openTestBed()
    const queue = await bed.newQueue()
    const type = 'test.failures'
    await announce(bed.redis, [{ ...describeJob(echo), name: type, queue, history: 'failures' }])
    const [mended = '', unwanted = ''] = await bed.add(queue, 2, { type })
    await bed.startRecorder()
    await bed.runAll(queue, fail)
    await bed.untilRecorded(queue)
    const statuses = async () => [(await bed.history(mended)).status, (await bed.history(unwanted)).status]
    expect(await statuses()).toEqual(['failed', 'failed'])
    for (const id of [mended, unwanted]) await redriveJob(bed.redis, { queue, id }, { by: 'test' })
    await cancelJob(bed.redis, { queue, id: unwanted }, { by: 'test' })
    await bed.runAll(queue, succeed)
    await bed.untilRecorded(queue)
    expect(await statuses()).toEqual(['succeeded', 'cancelled'])
  })

  it('does not keep what a type keeps back, wherever it stands', async () => {
    const bed = await openTestBed()
    const queue = await bed.newQueue()
    const secret = { card: { number: 'secret-1' }, lines: [{ card: 'secret-2', sku: 'x' }] }
    const inputText = JSON.stringify({ ...secret, n: 1 })
    const [id = ''] = await bed.add(queue, 1, { input: secret, inputText, redact: ['card'] })
    await bed.runAll(queue, async ({ claim }) => ({ kind: 'succeeded', output: JSON.stringify(claim.input) }))
    await bed.startRecorder()
    await bed.untilRecorded(queue)
    const masked = { card: '[redacted]', lines: [{ card: '[redacted]', sku: 'x' }], n: 1 }
    expect(await bed.history(id)).toMatchObject({ input: masked, output: masked })
    const { rows } = await sql`select * from foliot.jobs`.execute(bed.db)
    expect(JSON.stringify(rows)).not.toContain('secret')
  })

  it('keeps no more of a type than it says, and leaves the rest for a while', async () => {
    const bed = await openTestBed()
    const queue = await bed.newQueue()
    await bed.startRecorder()
    for (const history of ['failures', 'none'] as const) {
      const type = `test.${history}`
      await announce(bed.redis, [{ ...describeJob(echo), name: type, queue, history }])
      const [good = ''] = await bed.add(queue, 1, { type })
      await bed.runAll(queue, succeed)
      const [bad = ''] = await bed.add(queue, 1, { type })
      await bed.runAll(queue, fail)
      await bed.untilRecorded(queue)
      expect([history, await bed.rows('jobs', good), await bed.rows('jobs', bad)]).toEqual([
        history,
        0,
        history === 'none' ? 0 : 1,
      ])
      expect((await readJob(bed.redis, [queue], good)).status).toBe('succeeded')
      expect((await readJob(bed.redis, [queue], bad)).status).toBe('failed')
      // The history lists what it has.
      const search = { queues: [queue], statuses: ['failed' as const], type }
      const { items } = await listJobs(bed.redis, search, 10, undefined, 'not in history')
      expect(items.map(({ id }) => id)).toEqual(history === 'none' ? [bad] : [])
    }
  })

  it('leaves what it cannot keep where it is, says so once, and records the others, dead letters too', async () => {
    const bed = await openTestBed()
    const queue = await bed.newQueue()
    const [odd = ''] = await bed.add(queue, 1)
    await bed.runAll(queue, succeed)
    const dead = await bed.add(queue, 1)
    await bed.runAll(queue, fail)
    // No text: an id as nobody makes it, which no table takes.
    await bed.redis.rename(`foliot:{${queue}}:${odd}`, `foliot:{${queue}}:odd`)
    await bed.redis.zadd(`foliot:{${queue}}:completed`, 1, 'odd')
    const recorder = await bed.startRecorder()
    await recorder.waitForLine(({ json }) => json?.jobId === 'odd' && /refused this one/.test(String(json?.msg)))
    await waitUntil(async () => (await bed.rows('jobs', dead[0])) === 1)
    const later = await bed.add(queue, 600)
    await bed.runAll(queue, succeed)
    await waitUntil(async () => (await bed.rows('jobs')) === later.length + 1, { timeoutMs: 20_000 })
    await waitUntil(async () => (await bed.redis.zcard(`foliot:{${queue}}:completed`)) === 1)
    expect(await bed.redis.zrange(`foliot:{${queue}}:completed`, '0', '-1')).toEqual(['odd'])
    expect(recorder.lines.filter(({ json }) => json?.jobId === 'odd')).toHaveLength(1)
  })

  it('picks up queues that come while it runs', async () => {
    const bed = await openTestBed()
    await bed.startRecorder()
    const queue = await bed.newQueue()
    await bed.add(queue, 10)
    await bed.runAll(queue, succeed)
    await bed.untilRecorded(queue)
    expect(await bed.rows('jobs')).toBe(10)
  })

  it('records each job once beside another one, killed again and again', async () => {
    const bed = await openTestBed()
    const queue = await bed.newQueue()
    const ids: string[] = []
    for (let n = 0; n < 4; n++) ids.push(...(await bed.add(queue, 1000)))
    await bed.runAll(queue, succeed)
    await bed.startRecorder()
    for (let kills = 0; kills < 3; kills++) {
      const recorder = await bed.startRecorder()
      await waitUntil(async () => (await bed.rows('jobs')) > kills * 1000, { timeoutMs: 30_000 })
      await recorder.kill()
    }
    await bed.untilRecorded(queue)
    expect([await bed.rows('jobs'), await bed.rows('attempts')]).toEqual([ids.length, ids.length])
  })

  it('goes on by itself when PostgreSQL is back, and says once that it was away', async () => {
    const server = await startPostgres()
    const bed = await openTestBed({ databaseUrl: server.url })
    const queue = await bed.newQueue()
    const recorder = await bed.startRecorder()
    await bed.add(queue, 5)
    await bed.runAll(queue, succeed)
    await bed.untilRecorded(queue)
    await server.kill()
    await bed.add(queue, 700)
    await bed.runAll(queue, succeed)
    await recorder.waitForLine(({ json }) => String(json?.msg).startsWith('PostgreSQL cannot be reached'))
    await waitUntil(async () => (await fetch(`${recorder.url}/readyz`)).status === 503)
    expect((await fetch(`${recorder.url}/healthz`)).status).toBe(200)
    await startPostgres({ dir: server.dir, port: server.port })
    await bed.untilRecorded(queue)
    await recorder.waitForLine(({ json }) => String(json?.msg).startsWith('PostgreSQL is back'))
    expect(await bed.rows('jobs')).toBe(705)
    const told = recorder.lines.filter(({ json }) => String(json?.msg).startsWith('PostgreSQL'))
    expect(told).toHaveLength(2)
  })

  it('waits for a PostgreSQL that is not there yet', async () => {
    const server = await startPostgres()
    await server.kill()
    const bed = await openTestBed({ databaseUrl: server.url })
    const queue = await bed.newQueue()
    await bed.add(queue, 3)
    await bed.runAll(queue, succeed)
    const recorder = await bed.startRecorder()
    await recorder.waitForLine(({ json }) => String(json?.msg).startsWith('PostgreSQL cannot be reached'))
    await startPostgres({ dir: server.dir, port: server.port })
    await bed.untilRecorded(queue)
    expect(await bed.rows('jobs')).toBe(3)
  })

  it('goes on when Redis is back', async () => {
    const server = await startRedis()
    const bed = await openTestBed({ redisUrl: server.url })
    const queue = await bed.newQueue()
    const recorder = await bed.startRecorder()
    await bed.add(queue, 3)
    await bed.runAll(queue, succeed)
    await server.kill()
    await recorder.waitForLine(({ json }) => /is away/.test(String(json?.msg)))
    await startRedis({ dir: server.dir, port: server.port })
    await bed.untilRecorded(queue)
    expect(await bed.rows('jobs')).toBe(3)
  })

  it('tells how much waits for it', async () => {
    const server = await startPostgres()
    await server.kill()
    const bed = await openTestBed({ databaseUrl: server.url })
    const queue = await bed.newQueue()
    await bed.add(queue, 4)
    await bed.runAll(queue, succeed)
    const recorder = await bed.startRecorder()
    const metrics = await (await fetch(`${recorder.url}/metrics`)).text()
    expect(metrics).toContain(`foliot_history_waiting_jobs{queue="${queue}"} 4`)
    expect(metrics).toMatch(/^foliot_redis_memory_bytes \d+$/m)
    expect(metrics).toMatch(new RegExp(`^foliot_history_oldest_age_seconds\\{queue="${queue}"} [\\d.]+$`, 'm'))
  })

  it('does not start without knowing where the history is', async () => {
    const bed = await openTestBed()
    await expect(bed.startRecorder({ FOLIOT_DATABASE_URL: '' })).rejects.toThrow(/FOLIOT_DATABASE_URL/)
  })

  it('stops on SIGTERM with its batch written', async () => {
    const bed = await openTestBed()
    const queue = await bed.newQueue()
    await bed.add(queue, 1000)
    await bed.runAll(queue, succeed)
    const recorder = await bed.startRecorder()
    await waitUntil(async () => (await bed.rows('jobs')) > 0, { timeoutMs: 20_000 })
    expect(await recorder.stop()).toEqual({ code: 0, signal: null })
    await bed.startRecorder()
    await bed.untilRecorded(queue)
    expect(await bed.rows('jobs')).toBe(1000)
  })
})
