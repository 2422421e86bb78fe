import type { Job } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { createClient } from './client.ts'
import { ClientTimeoutError } from './errors.ts'
import { answer, hangUp, JOB_ID, job, refuse, type Scene, scriptedApi, silence } from './scripted-api.ts'

const pollOf = (path: string) => Number(new URL(path, 'http://x').searchParams.get('timeoutMs'))

/** Answers as the api does, once the poll's own time is over, that the job goes on. */
const held =
  (still: Job): Scene =>
  (request, response) =>
    void setTimeout(() => answer(202, still)(request, response), pollOf(request.path))

describe('wait', () => {
  it('polls until the job is terminal, whether it succeeded or not', async () => {
    await using api = await scriptedApi(
      answer(202, job('queued')),
      answer(202, job('running')),
      answer(200, job('failed', { error: { name: 'Error', message: 'no', kind: 'error' } })),
    )
    const ended = await createClient({ url: api.url }).wait(JOB_ID)
    expect(ended).toMatchObject({ status: 'failed', error: { message: 'no' } })
    expect(api.seen.map(({ method }) => method)).toEqual(['GET', 'GET', 'GET'])
    for (const { path } of api.seen) expect(path).toBe(`/v1/jobs/${JOB_ID}/wait?timeoutMs=20000`)
  })

  it('asks the api for no more time than is left, less a second for the answer', async () => {
    await using api = await scriptedApi(answer(202, job('queued')), answer(200, job('succeeded')))
    await createClient({ url: api.url }).wait(job('queued'), { timeoutMs: 15_000 })
    const [first = 0, second = 0] = api.seen.map(({ path }) => pollOf(path))
    expect(first).toBeLessThanOrEqual(14_000)
    expect(second).toBeLessThan(first)
  })

  it('holds a poll for longer than `timeoutMs` of the client', async () => {
    // The answer comes after the client's own time for a request, and is no lost connection.
    const late: Scene = (request, response) => {
      setTimeout(() => answer(200, job('succeeded'))(request, response), 200)
    }
    await using api = await scriptedApi(late)
    expect((await createClient({ url: api.url, timeoutMs: 50 }).wait(JOB_ID)).status).toBe('succeeded')
    expect(api.seen).toHaveLength(1)
  })

  it('goes on after lost connections and a busy api', async () => {
    await using api = await scriptedApi(hangUp, refuse('unavailable', 503, '0'), answer(200, job('succeeded')))
    expect((await createClient({ url: api.url }).wait(JOB_ID)).status).toBe('succeeded')
  })

  it('gives up after its time and shows the job as it was seen last', async () => {
    await using api = await scriptedApi(answer(202, job('running')), silence)
    const waiting = createClient({ url: api.url }).wait(JOB_ID, { timeoutMs: 1500 })
    const failure = await waiting.catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(ClientTimeoutError)
    expect(failure).toMatchObject({
      message: `job ${JOB_ID} was still running after 1500 ms; it goes on, wait again to see its end`,
      job: job('running'),
    })
  })

  it('shows the job also when it had less time than one poll takes', async () => {
    await using api = await scriptedApi(...Array.from({ length: 5 }, () => held(job('running'))))
    const waiting = createClient({ url: api.url }).wait(JOB_ID, { timeoutMs: 2000 })
    const failure = await waiting.catch((error: unknown) => error)
    expect(failure).toMatchObject({ name: 'ClientTimeoutError', job: job('running') })
  })

  it('sees an end that comes while its last second runs', async () => {
    await using api = await scriptedApi(held(job('running')), answer(200, job('succeeded')))
    const ended = await createClient({ url: api.url }).wait(JOB_ID, { timeoutMs: 2000 })
    expect(ended.status).toBe('succeeded')
    for (const { path } of api.seen) expect(pollOf(path)).toBeLessThanOrEqual(1000)
  })

  it('gives up also while it waits for a busy api', async () => {
    await using api = await scriptedApi(refuse('unavailable', 503, '50'))
    const failure = await createClient({ url: api.url })
      .wait(JOB_ID, { timeoutMs: 100 })
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({ name: 'ClientTimeoutError', job: undefined })
  })

  it('does not press an api that answers at once without an end', async () => {
    await using api = await scriptedApi(...Array.from({ length: 50 }, () => answer(202, job('running'))))
    await expect(createClient({ url: api.url }).wait(JOB_ID, { timeoutMs: 900 })).rejects.toThrow(ClientTimeoutError)
    expect(api.seen.length).toBeLessThanOrEqual(3)
  })

  it('ends with the reason of its signal', async () => {
    const stop = new AbortController()
    const reason = new Error('enough')
    await using api = await scriptedApi(() => stop.abort(reason))
    await expect(createClient({ url: api.url }).wait(JOB_ID, { signal: stop.signal })).rejects.toBe(reason)
  })

  it('does not wait for a job that is not there', async () => {
    await using api = await scriptedApi(refuse('not_found', 404))
    await expect(createClient({ url: api.url }).wait(JOB_ID)).rejects.toMatchObject({ code: 'not_found' })
  })

  it.each([0, -1, Number.NaN, 1e12])('refuses to wait for %d ms', async (timeoutMs) => {
    await using api = await scriptedApi()
    await expect(createClient({ url: api.url }).wait(JOB_ID, { timeoutMs })).rejects.toThrow('expected `timeoutMs`')
    expect(api.seen).toEqual([])
  })
})
