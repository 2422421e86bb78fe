import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { defineJob } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createClient, type FoliotClient } from './client.ts'
import { FoliotConnectionError } from './errors.ts'
import { answer, hangUp, JOB_ID, job, refuse, scriptedApi } from './scripted-api.ts'

const resize = defineJob({
  name: 'image.resize',
  input: z.object({ url: z.string(), width: z.number().default(100) }),
  output: z.object({ bytes: z.number() }),
})

const keyOf = ({ body }: { body: unknown }) => (body as { idempotencyKey: string }).idempotencyKey

/** What a promise was rejected with. */
const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => expect.unreachable(`expected a rejection, got ${JSON.stringify(value)}`),
    (error: unknown) => error,
  )

describe('enqueue', () => {
  it('sends the job in the words of the contract and returns it', async () => {
    await using api = await scriptedApi(answer(202, job('scheduled')))
    const client = createClient({ url: api.url, key: 'k-123' })
    const made = await client.enqueue(
      resize,
      { url: 'a.png' },
      {
        runAt: new Date(Date.UTC(2030, 0, 1)),
        priority: 5,
        idempotencyKey: 'a-1',
        attempts: 2,
        timeoutMs: 50,
        labels: { team: 'a' },
        dedupe: { key: 'd', ttlMs: 5 },
        durability: 'fsync',
      },
    )
    expect(made).toEqual(job('scheduled'))
    expect(api.seen).toMatchObject([
      {
        method: 'POST',
        path: '/v1/jobs',
        headers: { authorization: 'Bearer k-123', 'content-type': 'application/json' },
      },
    ])
    expect(api.seen[0]?.body).toEqual({
      type: 'image.resize',
      input: { url: 'a.png' },
      runAt: '2030-01-01T00:00:00.000Z',
      priority: 5,
      idempotencyKey: 'a-1',
      attempts: 2,
      timeoutMs: 50,
      labels: { team: 'a' },
      dedupe: { key: 'd', ttlMs: 5 },
      durability: 'fsync',
    })
  })

  it('takes the name of a type, and the answer 200 of a replay', async () => {
    await using api = await scriptedApi(answer(200, job('succeeded'), { 'idempotency-replayed': 'true' }))
    const made = await createClient({ url: api.url }).enqueue('demo.echo', null, { delayMs: 10, runAt: undefined })
    expect(made.status).toBe('succeeded')
    expect(api.seen[0]?.body).toEqual({
      type: 'demo.echo',
      input: null,
      delayMs: 10,
      idempotencyKey: expect.any(String),
    })
    expect(api.seen[0]?.headers).not.toHaveProperty('authorization')
  })

  it('makes a key of its own for each job', async () => {
    await using api = await scriptedApi(answer(202, job('queued')), answer(202, job('queued')))
    const client = createClient({ url: api.url })
    await client.enqueue('demo.echo', 1)
    await client.enqueue('demo.echo', 1)
    const [first, second] = api.seen.map(keyOf)
    expect(first).toMatch(/^[0-9a-f]{32}$/)
    expect(second).not.toBe(first)
  })

  it('refuses what cannot be sent, without a request', async () => {
    await using api = await scriptedApi()
    const client = createClient({ url: api.url })
    await expect(client.enqueue('demo.echo', 1n)).rejects.toThrow(TypeError)
    await expect(client.enqueue('demo.echo', 1, { runAt: new Date('x') })).rejects.toThrow(
      'expected `runAt` to be a date',
    )
    expect(api.seen).toEqual([])
  })

  it('sends options that it does not know along, for the api to refuse', async () => {
    await using api = await scriptedApi(answer(202, job('queued')))
    const options: object = { priorty: 1 }
    await createClient({ url: api.url }).enqueue('demo.echo', 1, options)
    expect(api.seen[0]?.body).toHaveProperty('priorty', 1)
  })
})

describe('get, cancel and retry', () => {
  it('ask for a job by its id or by itself', async () => {
    const scenes = Array.from({ length: 4 }, () => answer(200, job('cancelled')))
    await using api = await scriptedApi(...scenes)
    const client = createClient({ url: `${api.url}/` })
    expect(await client.get(JOB_ID)).toEqual(job('cancelled'))
    await client.get(job('queued'))
    await client.cancel(JOB_ID)
    await client.retry(job('failed'))
    expect(api.seen.map(({ method, path, body }) => [method, path, body])).toEqual([
      ['GET', `/v1/jobs/${JOB_ID}`, undefined],
      ['GET', `/v1/jobs/${JOB_ID}`, undefined],
      ['POST', `/v1/jobs/${JOB_ID}/cancel`, undefined],
      ['POST', `/v1/jobs/${JOB_ID}/retry`, undefined],
    ])
    for (const { headers } of api.seen) expect(headers).not.toHaveProperty('content-type')
  })

  it.each(['..', 'a/b', '', '?', '%2e%2e'])('refuse %j, which could lead to another path', async (id) => {
    await using api = await scriptedApi()
    const client = createClient({ url: api.url })
    for (const call of [client.get, client.cancel, client.retry, client.wait] satisfies FoliotClient['get'][]) {
      await expect(call(id)).rejects.toThrow(`expected the id of a job, got ${JSON.stringify(id)}`)
    }
    expect(api.seen).toEqual([])
  })

  it('repeat a get and a cancel whose answer got lost', async () => {
    await using api = await scriptedApi(hangUp, answer(200, job('queued')), hangUp, answer(200, job('cancelled')))
    const client = createClient({ url: api.url })
    expect((await client.get(JOB_ID)).status).toBe('queued')
    expect((await client.cancel(JOB_ID)).status).toBe('cancelled')
  })

  it('see that it was the lost cancel that cancelled the job', async () => {
    await using api = await scriptedApi(hangUp, refuse('illegal_transition', 409), answer(200, job('cancelled')))
    expect((await createClient({ url: api.url }).cancel(JOB_ID)).status).toBe('cancelled')
  })

  it('refuse to cancel a job that has ended', async () => {
    await using api = await scriptedApi(
      refuse('illegal_transition', 409),
      hangUp,
      refuse('illegal_transition', 409),
      answer(200, job('succeeded')),
    )
    const client = createClient({ url: api.url })
    expect(await failureOf(client.cancel(JOB_ID))).toMatchObject({ code: 'illegal_transition', status: 409 })
    expect(api.seen).toHaveLength(1)
    expect(await failureOf(client.cancel(JOB_ID))).toMatchObject({ code: 'illegal_transition', status: 409 })
    expect(api.seen).toHaveLength(4)
  })

  it('repeat a redrive that was refused, but not one whose answer got lost', async () => {
    await using api = await scriptedApi(refuse('unavailable', 503, '0'), answer(200, job('queued')), hangUp)
    const client = createClient({ url: api.url })
    expect((await client.retry(JOB_ID)).status).toBe('queued')
    expect(await failureOf(client.retry(JOB_ID))).toBeInstanceOf(FoliotConnectionError)
    expect(api.seen).toHaveLength(3)
  })
})

describe('the package', () => {
  it('loads nothing but its own files', () => {
    const loaded = new Set<string>()
    const visit = (url: URL): void => {
      if (loaded.has(url.href)) return
      loaded.add(url.href)
      for (const [, name = ''] of stripTypeScriptTypes(readFileSync(url, 'utf8')).matchAll(/\bfrom '([^']+)'/g)) {
        expect(name).toMatch(/^\.\//)
        visit(new URL(name, url))
      }
    }
    visit(new URL('./index.ts', import.meta.url))
    expect(loaded.size).toBeGreaterThan(5)
  })
})
