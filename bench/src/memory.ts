/**
 * What 200 000 jobs, sent to the api and run by a worker, leave behind in Redis, and what the two apps take meanwhile.
 * The baseline is Redis as it was before. Linux alone: it reads /proc.
 */
import type { Redis } from 'ioredis'
import { startErrand } from './errand.ts'
import { foliotOn } from './foliot.ts'
import type { BatchLoadAnswer, BatchLoadTask } from './load/batch-load.ts'
import { MB, type Memory, watchMemory } from './memory-watch.ts'
import type { BenchOptions } from './options.ts'
import { assertCounts, untilIdle } from './queue-counts.ts'
import { openFoliotQueue } from './queues.ts'
import { Round } from './round.ts'
import { runBench } from './run-bench.ts'
import { QUEUE, RETENTION } from './sample.ts'
import { roundTo, show, table } from './table.ts'
import { usedMemory } from './used-memory.ts'

const BATCH_SIZE = 1000
const IN_FLIGHT = 4
const CONCURRENCY = 50

await runBench('memory', async (bench) => {
  await using round = new Round(1, 'ours', bench)
  return report(await round.waitFor(measure(round, bench.options)))
})

interface Measured {
  rounds: number
  jobs: number
  /** What Redis used: with both apps connected and nothing done yet, at most, and when all was done. */
  redisMb: { before: number; peak: number; after: number }
  api: Memory
  worker: Memory
}

async function measure(round: Round, { short, rounds }: BenchOptions): Promise<Measured> {
  const batches = short ? 2 : 40
  const jobs = rounds * batches * BATCH_SIZE
  const server = await round.startRedis()
  const redis = round.connect(server)
  const queue = openFoliotQueue(redis, QUEUE)
  const foliot = foliotOn(round, { redisUrl: server.url })
  const worker = await foliot.worker(CONCURRENCY)
  const api = await foliot.api()
  const load = { batchSize: BATCH_SIZE, inFlight: IN_FLIGHT, warmUp: 0, batches, apiUrl: api.url, key: foliot.key }

  const endWatch = [watchMemory(api), watchMemory(worker)] as const
  const before = await usedMb(redis)
  let peak = before
  let after = before
  for (let number = 1; number <= rounds; number++) {
    const loader = await round.run(
      startErrand<BatchLoadTask, BatchLoadAnswer>(new URL('./load/batch-load.ts', import.meta.url), load),
    )
    peak = Math.max(peak, await usedMb(redis))
    await untilIdle(queue, round.signal)
    await loader.stop()
    after = await usedMb(redis)
    console.log(`round ${number}: ${batches * BATCH_SIZE} jobs done, Redis uses ${show(after)} MB`)
  }
  await assertCounts(queue, { completed: Math.min(jobs, RETENTION.count) })
  const [endApi, endWorker] = endWatch
  return { rounds, jobs, redisMb: { before, peak, after }, api: endApi(), worker: endWorker() }
}

function report({ rounds, jobs, redisMb, api, worker }: Measured): object {
  const { before, peak, after } = redisMb
  const growth = after - before
  const row = (name: string, mb: number, wanted = ''): string[] => [name, show(mb), wanted]
  const rows = [
    row('Redis before', before),
    row('Redis at most', peak),
    row('Redis after, more than before', growth, '≤ 20'),
    row('api at most', api.maxMb, '< 250'),
    row('api, growth over the last half', api.growthMb, '< 5'),
    row('worker at most', worker.maxMb, '< 250'),
    row('worker, growth over the last half', worker.growthMb, '< 5'),
  ]
  console.log(`\n${table([`${jobs} jobs`, 'MB', 'wanted'], rows)}\n`)
  return {
    figure: 'redisMb',
    ours: roundTo(after, 2),
    baseline: roundTo(before, 2),
    ratio: roundTo(after / before, 3),
    rounds,
    jobs,
    redisGrowthMb: roundTo(growth, 2),
    redisPeakMb: roundTo(peak, 2),
    apiMaxRssMb: roundTo(api.maxMb, 1),
    apiGrowthMb: roundTo(api.growthMb, 1),
    workerMaxRssMb: roundTo(worker.maxMb, 1),
    workerGrowthMb: roundTo(worker.growthMb, 1),
  }
}

async function usedMb(redis: Redis): Promise<number> {
  return (await usedMemory(redis)) / MB
}
