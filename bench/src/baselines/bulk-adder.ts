/** Bare BullMQ: `addBulk` from one process, several calls in flight. */
import { Queue } from 'bullmq'
import { inFlight } from '../in-flight.ts'
import { onErrand } from '../on-errand.ts'
import { ATTEMPTS, INPUT, TYPE } from '../sample.ts'
import { connectForAdding } from './connection.ts'

export interface BulkTask {
  redisUrl: string
  queue: string
  batchSize: number
  /** Batches before those that are timed. */
  warmUp: number
  batches: number
  inFlight: number
}

export interface BulkAnswer {
  /** For the timed batches. */
  seconds: number
  /** Processor time for all batches, in microseconds. */
  nodeUs: number
}

onErrand<BulkTask, BulkAnswer>(async ({ redisUrl, queue: name, batchSize, warmUp, batches, inFlight: width }) => {
  const queue = new Queue(name, { connection: connectForAdding(redisUrl) })
  await queue.waitUntilReady()
  const add = async (): Promise<void> => {
    const jobs = Array.from({ length: batchSize }, () => ({ name: TYPE, data: INPUT, opts: { attempts: ATTEMPTS } }))
    await queue.addBulk(jobs)
  }
  const before = process.cpuUsage()
  await inFlight(warmUp, width, add)
  const startedAt = performance.now()
  await inFlight(batches, width, add)
  const seconds = (performance.now() - startedAt) / 1000
  const { user, system } = process.cpuUsage(before)
  return { seconds, nodeUs: user + system }
})
