import { describe, expect, it } from 'vitest'
import { openTestApi } from '../fixtures/test-api.ts'

const api = await openTestApi()

const enqueue = (more: object) => api.post('/v1/jobs', { type: 'demo.echo', input: 1, ...more })

/** Text of a JSON string that takes so many bytes as UTF-8, quotes included. */
const jsonOfBytes = (bytes: number, letter = 'x'): string => {
  const size = Buffer.byteLength(letter)
  return letter.repeat(Math.floor((bytes - 2) / size)) + 'x'.repeat((bytes - 2) % size)
}

describe('POST /v1/jobs', () => {
  it('answers 202 with the job and where it can be read', async () => {
    const answer = await enqueue({})
    const job = answer.job(202)
    expect(answer.headers.get('location')).toBe(`/v1/jobs/${job.id}`)
    expect(job).toMatchObject({
      type: 'demo.echo',
      version: 1,
      queue: 'demo',
      status: 'queued',
      attempt: 0,
      attemptsUsed: 0,
      maxAttempts: 3,
      priority: 0,
      input: 1,
      output: null,
      error: null,
      labels: {},
      tenant: 'default',
    })
    expect((await api.get(answer.headers.get('location') as string)).job(200)).toEqual(job)
  })

  it('takes what a request says over what the type says', async () => {
    const job = (await enqueue({ priority: 7, attempts: 9, timeoutMs: 5, labels: { a: 'b' } })).job(202)
    expect(job).toMatchObject({ priority: 7, maxAttempts: 9, labels: { a: 'b' } })
    expect((await api.get(`/v1/jobs/${job.id}`)).job(200)).toEqual(job)
  })

  it('makes the job part of the caller’s trace', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const { body } = await api.post('/v1/jobs', { type: 'demo.echo', input: 1 }, { traceparent })
    expect(body.traceId).toBe('0af7651916cd43dd8448eb211c80319c')
  })

  it.each(
    [
      1,
      null,
      '',
      [],
      {},
      false,
      0,
      -1.5e-300,
      'a\u0000b',
      '\ud800 alone',
      '😀\u2028\u200b',
      'null',
      [null, [{}]],
      { constructor: { prototype: 1 }, toString: null, '': '' },
    ].map((input) => ({ input })),
  )('stores any JSON value as it is: $input', async ({ input }) => {
    const job = await api.echo(input)
    expect(job.input).toEqual(input)
    expect((await api.get(`/v1/jobs/${job.id}`)).body.input).toEqual(input)
  })

  it('stores an input with a key that is named like a property of every object', async () => {
    const { body } = await api.post('/v1/jobs', '{"type":"demo.echo","input":{"__proto__":{"a":1}}}')
    const stored = await (await fetch(`${api.url}/v1/jobs/${body.id}`)).text()
    expect(stored).toContain('"input":{"__proto__":{"a":1}}')
  })

  it.each([
    ['x', 'x'],
    ['é', 'é'],
    ['€', '€'],
    ['😀', '😀'],
  ])('counts the 64 KiB of an input of %s as UTF-8', async (_, letter) => {
    await api.echo(jsonOfBytes(65_536, letter))
    const problem = (await enqueue({ input: jsonOfBytes(65_537, letter) })).problem(413, 'payload_too_large')
    expect(problem.detail).toContain('got 65537')
  })

  it.each([
    { labels: { a: '  é\u200b\u2028 ', 'b:c': 'd:e', KEY: '', '😀': '\ud800' } },
    { labels: { constructor: 'x', toString: 'y', hasOwnProperty: 'z' } },
    { labels: { a: 'x'.repeat(256), ['k'.repeat(63)]: '😀'.repeat(256) } },
    { labels: Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`k${i}`, `v${i}`])) },
  ])('gives back the labels of %j unchanged', async ({ labels }) => {
    const job = (await enqueue({ labels })).job(202)
    expect(job.labels).toEqual(labels)
    expect((await api.get(`/v1/jobs/${job.id}`)).body.labels).toEqual(labels)
  })

  it('keeps a label that is named __proto__', async () => {
    const { body } = await api.post('/v1/jobs', '{"type":"demo.echo","input":1,"labels":{"__proto__":"x"}}')
    expect(Object.entries(body.labels)).toEqual([['__proto__', 'x']])
    const { body: stored } = await api.get(`/v1/jobs/${body.id}`)
    expect(Object.entries(stored.labels)).toEqual([['__proto__', 'x']])
  })

  it.each([0, 1, 2_097_151])('takes the priority %d', async (priority) => {
    expect((await enqueue({ priority })).job(202).priority).toBe(priority)
  })

  it('schedules a job by delay', async () => {
    const job = (await enqueue({ delayMs: 3_600_000 })).job(202)
    expect(job.status).toBe('scheduled')
    expect(Date.parse(job.runAt as string) - Date.parse(job.createdAt)).toBe(3_600_000)
    expect((await api.get(`/v1/jobs/${job.id}`)).job(200)).toEqual(job)
  })

  it('schedules a job for a time, in whatever zone that is given', async () => {
    const runAt = new Date(Date.now() + 86_400_000)
    const inRome = `${new Date(runAt.valueOf() + 7_200_000).toISOString().slice(0, -1)}+02:00`
    const job = (await enqueue({ runAt: inRome })).job(202)
    expect(job).toMatchObject({ status: 'scheduled', runAt: runAt.toISOString() })
  })

  it.each(['2020-01-01T00:00:00Z', '1969-12-31T23:59:59.999Z', '0000-01-01T00:00:00Z'])(
    'queues a job for the past time %s at once',
    async (runAt) => expect((await enqueue({ runAt })).job(202).status).toBe('queued'),
  )

  it.each([
    ['demo.ecko', 'did you mean "demo.echo"?'],
    ['demo.echo\u0000', 'did you mean "demo.echo"?'],
    ['constructor', 'GET /v1/job-types'],
    ['__proto__', 'GET /v1/job-types'],
    ['toString', 'GET /v1/job-types'],
    ['../x', 'GET /v1/job-types'],
    ['DEMO.ECHO', 'GET /v1/job-types'],
  ])('does not know the job type %j and says what may be meant', async (type, hint) => {
    const problem = (await enqueue({ type })).problem(404, 'unknown_job_type')
    expect(problem.hint).toContain(hint)
  })

  it('promises no disk where it cannot, and stores nothing', async () => {
    const before = await api.redis.dbsize()
    // The tests' Redis writes no file; that of this system may be too old besides. Either is said.
    const { detail, hint } = (await enqueue({ durability: 'fsync' })).problem(400, 'durability_unavailable')
    expect(detail).toMatch(
      /^expected (Redis 7.2 or later, .*, got \S+|a Redis that writes its append-only file, got one)/,
    )
    expect(hint).toContain('leave `durability` out')
    expect(await api.redis.dbsize()).toBe(before)
    await enqueue({ durability: 'default' }).then((answer) => answer.job(202))
  })
})

describe('POST /v1/jobs with a bad request', () => {
  it.each<[string, object, string]>([
    ['no type', { type: undefined }, '/type'],
    ['an empty type', { type: '' }, '/type'],
    ['a type that is a number', { type: 1 }, '/type'],
    ['a type that is too long', { type: 'x'.repeat(129) }, '/type'],
    ['no input', { input: undefined }, '/input'],
    ['an unknown field', { colour: 'red' }, '/colour'],
    ['a queue, which the type decides', { queue: '../x' }, '/queue'],
    ['a tenant', { tenant: 'x' }, '/tenant'],
    ['priority −1', { priority: -1 }, '/priority'],
    ['priority 2097152', { priority: 2_097_152 }, '/priority'],
    ['priority 1.5', { priority: 1.5 }, '/priority'],
    ['priority "1"', { priority: '1' }, '/priority'],
    ['priority null', { priority: null }, '/priority'],
    ['a year beyond ten', { runAt: '9999-01-01T00:00:00Z' }, '/runAt'],
    ['30 February', { runAt: '2027-02-30T00:00:00Z' }, '/runAt'],
    ['a time without a zone', { runAt: '2027-01-01T00:00:00' }, '/runAt'],
    ['a date without a time', { runAt: '2027-01-01' }, '/runAt'],
    ['a time that is none', { runAt: 'tomorrow' }, '/runAt'],
    ['a time that is a number', { runAt: 1_800_000_000_000 }, '/runAt'],
    ['runAt and delayMs', { runAt: '2027-01-01T00:00:00Z', delayMs: 1 }, '/runAt'],
    ['a negative delay', { delayMs: -1 }, '/delayMs'],
    ['a broken delay', { delayMs: 0.5 }, '/delayMs'],
    ['a delay of more than ten years', { delayMs: 315_360_000_001 }, '/delayMs'],
    ['no attempts', { attempts: 0 }, '/attempts'],
    ['attempts as text', { attempts: '3' }, '/attempts'],
    ['no time', { timeoutMs: 0 }, '/timeoutMs'],
    ['a durability that is none', { durability: 'paper' }, '/durability'],
    ['an empty idempotency key', { idempotencyKey: '' }, '/idempotencyKey'],
    ['an idempotency key that is too long', { idempotencyKey: 'x'.repeat(257) }, '/idempotencyKey'],
    ['a NUL byte in the idempotency key', { idempotencyKey: 'a\u0000b' }, '/idempotencyKey'],
    ['a dedupe key that is no object', { dedupe: 'a' }, '/dedupe'],
    ['a dedupe without key', { dedupe: { ttlMs: 1 } }, '/dedupe/key'],
    ['an empty dedupe key', { dedupe: { key: '' } }, '/dedupe/key'],
    ['a dedupe key that is too long', { dedupe: { key: 'x'.repeat(257) } }, '/dedupe/key'],
    ['a dedupe key for no time', { dedupe: { key: 'a', ttlMs: 0 } }, '/dedupe/ttlMs'],
    ['33 labels', { labels: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [i, ''])) }, '/labels'],
    ['labels that are a list', { labels: ['a'] }, '/labels'],
    ['labels that are null', { labels: null }, '/labels'],
    ['a label of 257 characters', { labels: { a: 'x'.repeat(257) } }, '/labels/a'],
    ['a label of 10 KB', { labels: { a: 'x'.repeat(10_240) } }, '/labels/a'],
    ['a label that is a number', { labels: { a: 1 } }, '/labels/a'],
    ['a NUL byte in a label', { labels: { a: 'x\u0000' } }, '/labels/a'],
    ['a NUL byte in the name of a label', { labels: { 'a\u0000': 'x' } }, '/labels/a\u0000'],
    ['a label without a name', { labels: { '': 'x' } }, '/labels/'],
    ['a label with a name of 64 characters', { labels: { ['k'.repeat(64)]: 'x' } }, `/labels/${'k'.repeat(64)}`],
    ['an input of another shape', { type: 'demo.fail', input: {} }, '/input'],
    ['an input with a field of another type', { type: 'demo.fail', input: { times: '1' } }, '/input/times'],
    ['an input with a field too many', { type: 'demo.fail', input: { times: 1, colour: 'red' } }, '/input'],
  ])('refuses %s, says where, and stores nothing', async (_, more, path) => {
    const before = await api.redis.dbsize()
    const problem = (await enqueue(more)).problem(400, 'validation_failed')
    expect(problem.errors?.map((error) => error.path)).toContain(path)
    expect(problem.detail).not.toMatch(/\bat .*\.(ts|js):\d+/)
    expect(await api.redis.dbsize()).toBe(before)
  })

  it.each([
    ['a list', '['.repeat(10_000) + ']'.repeat(10_000)],
    ['an object', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`],
    ['a list in 501 levels', '['.repeat(501) + ']'.repeat(501)],
  ])('refuses an input that nests too deep: %s', async (_, input) => {
    const problem = (await api.post('/v1/jobs', `{"type":"demo.echo","input":${input}}`)).problem(
      400,
      'validation_failed',
    )
    expect(problem.detail).toContain('levels of nesting')
  })

  it('takes an input of 500 levels', async () => {
    const input = '['.repeat(500) + ']'.repeat(500)
    const { id } = (await api.post('/v1/jobs', `{"type":"demo.echo","input":${input}}`)).job(202)
    expect(JSON.stringify((await api.get(`/v1/jobs/${id}`)).body.input)).toBe(input)
  })

  it.each(['1e999', '[-1e999]', '{"a":{"b":1e400}}'])(
    'refuses the number in %s, which it could not keep',
    async (input) => {
      const problem = (await api.post('/v1/jobs', `{"type":"demo.echo","input":${input}}`)).problem(
        400,
        'validation_failed',
      )
      expect(problem.errors?.[0]?.message).toContain('below 1.8e308')
    },
  )

  it('tells twenty of very many problems', async () => {
    const labels = Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`k${i}`, i]))
    const problem = (await enqueue({ labels })).problem(400, 'validation_failed')
    expect([problem.errors?.length, problem.hint]).toEqual([20, 'there are 32 problems; the first 20 are told'])
  })
})
