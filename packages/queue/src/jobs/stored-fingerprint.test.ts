import { expect, it } from 'vitest'
import type { Settlement } from '../attempts/settlement.ts'
import { dead, openTestQueues, retry, succeed } from '../fixtures/test-queues.ts'
import { jobKey } from '../keys.ts'
import { redriveJob } from './moves.ts'
import { fingerprintOf } from './stored-fingerprint.ts'

const q = await openTestQueues()

/** The settlement with the fingerprint that a pipeline gives to its failure. */
function withFingerprint(settlement: Settlement, fingerprint: string): Settlement {
  if (!('failure' in settlement)) throw new Error('expected a settlement with a failure')
  return { ...settlement, failure: { ...settlement.failure, fingerprint } }
}

it('is that of the last failure, of an attempt that is retried and of one that is not', async () => {
  const queue = q.newQueue()
  const { id } = await q.add(queue)
  const ends = [retry(0), dead('no'), dead('no', 'http'), succeed]
  await q.consume(queue, async ({ claim: { attempt } }) => {
    const end = ends[attempt - 1] as Settlement | typeof succeed
    return typeof end === 'function' ? end() : withFingerprint(end, `${attempt === 3 ? 'http' : 'error'}-${attempt}`)
  })
  const fingerprints: (string | undefined)[] = []
  for (const attempt of [2, 3]) {
    const job = await q.readWhen(queue, id, (job) => job.status === 'failed' && job.attempt === attempt)
    fingerprints.push(job.error?.fingerprint)
    await redriveJob(q.redis, { queue, id }, { by: 'test' })
  }
  expect(fingerprints).toEqual(['error-2', 'http-3'])
  await q.readWhen(queue, id, ({ status }) => status === 'succeeded')
  expect(await q.redis.hget(jobKey(queue, id), 'fp')).toBeNull()
})

it('is that of a failure for now while the job waits for its retry', async () => {
  const queue = q.newQueue()
  const { id } = await q.add(queue)
  await q.consume(queue, async () => withFingerprint(retry(60_000), 'error-1'))
  const job = await q.readWhen(queue, id, ({ status }) => status === 'retrying')
  expect(job.error?.fingerprint).toBe('error-1')
})

it('is of the type and the kind for a failure that no attempt reported, whatever was reported before', () => {
  const crashed = fingerprintOf({ name: 'mail.send', ek: 'crashed', fp: 'error-1' })
  expect(crashed).toMatch(/^crashed-[0-9a-f]{16}$/)
  expect(fingerprintOf({ name: 'mail.send', ek: 'crashed' })).toBe(crashed)
  expect(fingerprintOf({ name: 'mail.fetch', ek: 'crashed' })).not.toBe(crashed)
  expect(fingerprintOf({ name: 'mail.send', ek: 'unreadable' })).not.toBe(crashed)
  expect(fingerprintOf({})).toMatch(/^error-[0-9a-f]{16}$/)
})
