/**
 * BullMQ's own job schedulers, with the worker that they need: one makes its next job when the last one starts. Answers, after
 * the time given, with how late handlers were entered.
 */
import { Queue, Worker } from 'bullmq'
import { onErrand } from '../on-errand.ts'
import { phaseOf } from '../schedules/rules.ts'
import { percentile } from '../statistics.ts'
import { connectForAdding, connectForWorking } from './connection.ts'

export interface JobSchedulersTask {
  redisUrl: string
  queue: string
  count: number
  everyMs: number
  together: boolean
  warmUpMs: number
  windowMs: number
}

export interface JobSchedulersAnswer {
  ticks: number
  lost: number
  doubled: number
  p50Ms: number
  p99Ms: number
}

onErrand<JobSchedulersTask, JobSchedulersAnswer>(async ({ redisUrl, queue: name, warmUpMs, windowMs, ...rules }) => {
  const queue = new Queue(name, { connection: connectForAdding(redisUrl) })
  const seen = new Map<string, number>()
  let doubled = 0
  let fromMs = Number.POSITIVE_INFINITY
  const processor = async ({ id = '' }: { id?: string }) => {
    // `repeat:<scheduler>:<slot in ms>`
    const slot = Number(id.slice(id.lastIndexOf(':') + 1))
    if (slot < fromMs || slot >= fromMs + windowMs) return
    if (seen.has(id)) doubled += 1
    else seen.set(id, Date.now() - slot)
  }
  const connection = connectForWorking(redisUrl)
  const worker = new Worker(name, processor, { connection, concurrency: 50, removeOnComplete: { count: 0 } })
  worker.on('error', (error) => console.error(error))
  const { everyMs: every, count } = rules
  for (let i = 0; i < count; i += 200) {
    await Promise.all(
      Array.from({ length: Math.min(200, count - i) }, (_, j) =>
        queue.upsertJobScheduler(
          `s${i + j}`,
          { every, offset: phaseOf({ ...rules, prefix: 's' }, i + j) },
          { name: 'tick' },
        ),
      ),
    )
  }
  await new Promise((resolve) => setTimeout(resolve, warmUpMs))
  fromMs = Date.now()
  await new Promise((resolve) => setTimeout(resolve, windowMs + 3000))
  const times = [...seen.values()]
  const ticks = Math.round((count * windowMs) / every)
  const answer = { ticks, lost: Math.max(0, ticks - times.length), doubled }
  await worker.close(true)
  await queue.close()
  return { ...answer, p50Ms: percentile(times, 50), p99Ms: percentile(times, 99) }
})
