import { waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { makeDeadLetters } from '../fixtures/dead-letters.ts'
import { dead, runAsAsked } from '../fixtures/runs.ts'
import { openTestApi } from '../fixtures/test-api.ts'

const api = await openTestApi()

const redrive = async (body: object) => (await api.post('/v1/dead-letters/redrive', body)).body

/** The operation as soon as it fits. */
const readWhen = (id: string, fits: (operation: { state: string; moved: number; finished: number }) => boolean) =>
  waitUntil(
    async () => {
      const { body } = await api.get(`/v1/operations/${id}`)
      return fits(body) && body
    },
    { timeoutMs: 20_000 },
  )

describe.each([
  ['GET', ''],
  ['POST', '/pause'],
  ['POST', '/resume'],
])('%s /v1/operations/{id}%s', (method, verb) => {
  it.each(['0198c0de-0000-7000-8000-000000000000', 'x', '%00', '..%2fx', 'x'.repeat(200)])(
    'answers 404 for %j',
    async (id) => {
      ;(await api.send(method, `/v1/operations/${id}${verb}`)).problem(404, 'not_found')
    },
  )
})

describe('an operation', () => {
  it('is paused and goes on where it was, and both may be said twice', async () => {
    const { label } = await makeDeadLetters(api, 40)
    const { id } = await redrive({ filter: { label }, ratePerSecond: 20 })
    await readWhen(id, ({ moved }) => moved > 0)
    const { status, body: paused } = await api.post(`/v1/operations/${id}/pause`)
    expect([status, paused.state, paused.ratePerSecond]).toEqual([200, 'paused', 20])
    expect(paused.moved).toBeLessThan(40)
    expect((await api.post(`/v1/operations/${id}/pause`)).body).toMatchObject({ state: 'paused', moved: paused.moved })
    const left = (await api.get(`/v1/dead-letters?label=${label}`)).body.items
    expect(left).toHaveLength(40 - paused.moved)

    const resumed = (await api.post(`/v1/operations/${id}/resume`)).body
    expect(resumed).toMatchObject({ state: 'running', moved: paused.moved })
    expect((await api.post(`/v1/operations/${id}/resume`)).body.state).toBe('running')
    expect(await readWhen(id, ({ state }) => state !== 'running')).toMatchObject({ state: 'completed', moved: 40 })
    for (const verb of ['pause', 'resume']) {
      const problem = (await api.post(`/v1/operations/${id}/${verb}`)).problem(409, 'illegal_transition')
      expect(problem.detail).toBe(`an operation that is completed cannot be ${verb}d`)
    }
  })

  it('stops by itself when too many of its jobs die again, and says so', async () => {
    const { label } = await makeDeadLetters(api, 200)
    const consumer = await api.consume(async () => dead('still no luck'))
    const { id } = await redrive({ filter: { label }, stopOnFailureRatio: 0.2 })
    const stopped = await readWhen(id, ({ state }) => state !== 'running')
    await consumer.stop(1000)
    expect(stopped).toMatchObject({ state: 'stopped', stopOnFailureRatio: 0.2, finishedAt: expect.any(String) })
    expect(stopped.error).toContain('redriven jobs that have ended died again, a share above 0.2')
    expect(stopped.failedAgain).toBe(stopped.finished)
    expect(stopped.moved).toBeLessThan(150)
    ;(await api.post(`/v1/operations/${id}/resume`)).problem(409, 'illegal_transition')
  })

  it('tells after its end what became of its jobs', async () => {
    const { label } = await makeDeadLetters(api, 5)
    const { id } = await redrive({ filter: { label } })
    await readWhen(id, ({ state }) => state === 'completed')
    const consumer = await api.consume(async (attempt) =>
      attempt.claim.input === 3 ? dead('still no luck') : runAsAsked(attempt),
    )
    const last = await readWhen(id, ({ finished }) => finished === 5)
    await consumer.stop(1000)
    expect(last).toMatchObject({ state: 'completed', moved: 5, failedAgain: 1 })
    expect(last.queues).toContainEqual(expect.objectContaining({ name: 'demo', moved: 5, failedAgain: 1, done: true }))
  })
})
