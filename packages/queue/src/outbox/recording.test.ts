import { expect, it } from 'vitest'
import { openTestQueues } from '../fixtures/test-queues.ts'
import { recordingKey } from '../keys.ts'
import { isRecording, RecordingWatch, sayRecording } from './recording.ts'

const q = await openTestQueues()

it('is known from when a recorder says so, for a week', async () => {
  expect(await isRecording(q.redis)).toBe(false)
  await sayRecording(q.redis)
  expect(await isRecording(q.redis)).toBe(true)
  const days = (await q.redis.pttl(recordingKey)) / (24 * 60 * 60 * 1000)
  expect([days > 6, days <= 7]).toEqual([true, true])
})

it('is taken for granted until it is known', async () => {
  await q.redis.del(recordingKey)
  const watch = new RecordingWatch(q.redis)
  expect(watch.on).toBe(true)
  await watch.start()
  expect(watch.on).toBe(false)
  watch.stop()
})
