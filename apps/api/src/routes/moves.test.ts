import { sleep } from '@foliot/example-demo/jobs'
import { describeJob, type Job } from '@foliot/jobs'
import { announce, type Settlement } from '@foliot/queue'
import { waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { dead, retryLater, runAsAsked } from '../fixtures/runs.ts'
import { openTestApi } from '../fixtures/test-api.ts'

const api = await openTestApi()

// Jobs that run have a queue of their own, whose consumer holds every one of them.
await announce(api.redis, [{ ...describeJob(sleep), name: 'test.busy', queue: 'busy' }])
await api.consume(runAsAsked, { queue: 'busy', concurrency: 100 })

type Verb = 'cancel' | 'retry' | 'promote'

const move = ({ id }: Job, verb: Verb, headers?: Record<string, string>) =>
  api.post(`/v1/jobs/${id}/${verb}`, undefined, headers)

const read = async ({ id }: Job): Promise<Job> => (await api.get(`/v1/jobs/${id}`)).job(200)

const events = async (job: Job): Promise<string[]> => (await read(job)).timeline.map(({ event }) => event)

const ENDS: Partial<Record<Job['status'], Settlement>> = {
  retrying: retryLater(),
  succeeded: { kind: 'succeeded', output: '1' },
  failed: dead(),
  timed_out: dead('late', 'timeout', 'timed_out'),
}

/** A job in this status, which nobody takes any further. */
async function jobIn(status: Job['status']): Promise<Job> {
  if (status === 'scheduled') return api.echo(1, { delayMs: 3_600_000 })
  if (status === 'cancelled') return (await move(await api.echo(), 'cancel')).job(200)
  const settlement = ENDS[status]
  const job = await api.echo(1, status === 'running' ? { type: 'test.busy', input: { ms: 1 } } : {})
  if (status === 'queued') return job
  const consumer =
    settlement &&
    (await api.consume(async ({ claim }) => (claim.id === job.id ? settlement : { kind: 'handed_back', reason: '' })))
  await waitUntil(async () => (await read(job)).status === status, { what: status })
  await consumer?.stop(0)
  return read(job)
}

describe('a move', () => {
  it.each<[Verb, Job['status'], Job['status']]>([
    ['cancel', 'scheduled', 'cancelled'],
    ['cancel', 'queued', 'cancelled'],
    ['cancel', 'retrying', 'cancelled'],
    ['promote', 'scheduled', 'queued'],
    ['promote', 'retrying', 'queued'],
    ['retry', 'failed', 'queued'],
    ['retry', 'timed_out', 'queued'],
  ])('%s takes a job that is %s to %s', async (verb, from, to) => {
    const job = await jobIn(from)
    const moved = (await move(job, verb)).job(200)
    expect(moved).toMatchObject({ id: job.id, status: to })
    expect(await read(job)).toEqual(moved)
    // Or a consumer of another test would take it.
    if (to === 'queued') await move(job, 'cancel')
  })

  it.each<[Verb, Job['status']]>([
    ['cancel', 'succeeded'],
    ['cancel', 'failed'],
    ['cancel', 'timed_out'],
    ['cancel', 'cancelled'],
    ['retry', 'scheduled'],
    ['retry', 'queued'],
    ['retry', 'running'],
    ['retry', 'retrying'],
    ['retry', 'succeeded'],
    ['retry', 'cancelled'],
    ['promote', 'queued'],
    ['promote', 'running'],
    ['promote', 'succeeded'],
    ['promote', 'failed'],
    ['promote', 'timed_out'],
    ['promote', 'cancelled'],
  ])('%s is refused for a job that is %s, which stays as it is', async (verb, status) => {
    const job = await jobIn(status)
    expect((await move(job, verb)).problem(409, 'illegal_transition').detail).toContain(`a job that is ${status}`)
    expect(await read(job)).toEqual(job)
    if (status === 'queued') await move(job, 'cancel')
  })

  it('asks a running job to end, and says since when', async () => {
    const job = await jobIn('running')
    const asked = (await move(job, 'cancel')).job(200)
    expect(asked).toMatchObject({ id: job.id, status: 'running', cancelRequestedAt: expect.any(String) })
    expect((await move(job, 'cancel')).job(200)).toEqual(asked)
  })

  it.each(['cancel', 'retry', 'promote'] as const)('%s of a job that is not there is a 404', async (verb) => {
    for (const id of ['0198c0de-0000-7000-8000-000000000000', 'x', 'meta', '%00', '..%2f..']) {
      ;(await api.post(`/v1/jobs/${id}/${verb}`)).problem(404, 'not_found')
    }
  })

  it('happens once of a hundred at once', async () => {
    const job = await jobIn('scheduled')
    const answers = await Promise.all(Array.from({ length: 100 }, () => move(job, 'cancel')))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(99).fill(409)])
    expect(await events(job)).toEqual(['created', 'scheduled', 'cancelled'])
  })

  it('is told in the timeline, with who did it and why', async () => {
    const job = await jobIn('failed')
    await move(job, 'retry', { 'x-reason': 'the mail server is back' })
    expect((await read(job)).timeline.at(-1)).toMatchObject({
      event: 'redriven',
      detail: 'by anyone: the mail server is back',
    })
    await move(job, 'cancel', { 'x-reason': 'no longer wanted' })
    expect((await read(job)).timeline.at(-1)).toMatchObject({ event: 'cancelled', detail: 'no longer wanted' })
  })

  it('is refused with a reason that is too long for a timeline', async () => {
    const job = await jobIn('scheduled')
    const { errors } = (await move(job, 'cancel', { 'x-reason': 'x'.repeat(501) })).problem(400, 'validation_failed')
    expect(errors).toEqual([{ path: '/x-reason', message: 'expected at most 500 characters, got 501' }])
    expect((await read(job)).status).toBe('scheduled')
  })

  it('keeps the attempts of a redriven job counted and gives it all of them again', async () => {
    const job = await jobIn('failed')
    expect(job).toMatchObject({ attempt: 1, attemptsUsed: 1, error: { message: 'no', kind: 'error' } })
    expect((await move(job, 'retry')).job(200)).toMatchObject({ attempt: 1, attemptsUsed: 0, error: null })
  })

  it('is refused with 415 or 400 for a body that is no JSON', async () => {
    const job = await jobIn('scheduled')
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    ;(await api.post(`/v1/jobs/${job.id}/cancel`, 'a=b', form)).problem(415, 'unsupported_media_type')
    ;(await api.post(`/v1/jobs/${job.id}/cancel`, '{')).problem(400, 'validation_failed')
    expect((await read(job)).status).toBe('scheduled')
  })
})
