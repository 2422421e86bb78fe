import { cancelJob } from '@foliot/queue'
import { startWorker } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { linger } from './fixtures/jobs.ts'
import { details, events } from './fixtures/pipeline-bed.ts'
import { openTestBed } from './fixtures/test-bed.ts'

const FOLIOT_JOBS = './apps/worker/src/fixtures/jobs.ts'

describe('a job that is cancelled while its worker waits for a handler whose time is over', () => {
  it('ends with that attempt, and does not wait for another one', async () => {
    const bed = await openTestBed()
    const worker = await startWorker({ FOLIOT_REDIS_URL: bed.url, FOLIOT_JOBS })
    const job = await bed.add(linger, null)
    await worker.waitForLine(({ json }) => json?.msg === 'told to stop')
    const asked = await cancelJob(bed.redis, job, { by: 'ops', reason: 'wrong input' })
    expect(asked).toMatchObject({ status: 'running', cancelRequestedAt: expect.any(String) })

    const ended = await bed.readWhen(job, ({ status }) => status !== 'running')
    expect(ended).toMatchObject({ status: 'cancelled', attempt: 1, attemptsUsed: 0 })
    expect(events(ended)).toEqual(['created', 'started', 'cancelled'])
    const abandoned = 'its handler did not end and was abandoned: what it does no longer counts'
    expect(details(ended, 'cancelled')).toEqual([`wrong input; ${abandoned}`])
  })
})
