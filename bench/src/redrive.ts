/** The redrive of 100 000 dead letters as fast as it goes · BullMQ's own `retryJobs` on the same ones. */
import { setTimeout as sleep } from 'node:timers/promises'
import { askApi } from './ask-api.ts'
import { startErrand } from './errand.ts'
import { foliotOn } from './foliot.ts'
import type { BatchLoadAnswer, BatchLoadTask } from './load/batch-load.ts'
import { watchMemory } from './memory-watch.ts'
import { type Arms, playRounds } from './play-rounds.ts'
import { assertCounts } from './queue-counts.ts'
import { openFoliotQueue } from './queues.ts'
import { report } from './report.ts'
import type { Round } from './round.ts'
import { runBench } from './run-bench.ts'
import { QUEUE } from './sample.ts'
import { roundTo } from './table.ts'

const CONCURRENCY = 50
const BATCH_SIZE = 1000
const DEAD = { type: 'demo.fail', input: { times: 1 }, attempts: 1 }

interface Operation {
  id: string
  state: string
  moved: number
}

await runBench('redrive', async (bench) => {
  const batches = bench.options.short ? 1 : 100
  const jobs = batches * BATCH_SIZE

  /** Dead letters, nobody who runs jobs, and an api that has done nothing but take them. */
  async function open(round: Round) {
    const server = await round.startRedis()
    const foliot = foliotOn(round, { redisUrl: server.url })
    const worker = await foliot.worker(CONCURRENCY)
    const api = await foliot.api()
    const load = { batchSize: BATCH_SIZE, inFlight: 4, warmUp: 0, batches, job: DEAD, apiUrl: api.url, key: foliot.key }
    const filler = await round.run(
      startErrand<BatchLoadTask, BatchLoadAnswer>(new URL('./load/batch-load.ts', import.meta.url), load),
    )
    await filler.stop()
    const queue = openFoliotQueue(round.connect(server), QUEUE)
    while ((await queue.getFailedCount()) < jobs) await sleep(50, undefined, { signal: round.signal })
    await worker.stop()
    await assertCounts(queue, { failed: jobs })
    return { api, key: foliot.key, queue }
  }

  let driverGrowthMb = 0
  const arms: Arms<'jobsPerSecond'> = {
    async ours(round) {
      const { api, key, queue } = await open(round)
      const at = { url: api.url, key }
      const endWatch = watchMemory(api)
      const startedAt = performance.now()
      let operation = await askApi<Operation>(at, 'POST', '/v1/dead-letters/redrive', { filter: {} })
      while (operation.state === 'running') {
        await sleep(20)
        operation = await askApi<Operation>(at, 'GET', `/v1/operations/${operation.id}`)
      }
      const seconds = (performance.now() - startedAt) / 1000
      if (operation.moved !== jobs) throw new Error(`expected ${jobs} to be moved, got ${JSON.stringify(operation)}`)
      await assertCounts(queue, { waiting: jobs })
      const { maxMb, firstMb } = endWatch()
      driverGrowthMb = Math.max(driverGrowthMb, maxMb - firstMb)
      return { jobsPerSecond: jobs / seconds }
    },
    async baseline(round) {
      const { queue } = await open(round)
      const startedAt = performance.now()
      await queue.retryJobs({ state: 'failed', count: BATCH_SIZE })
      const seconds = (performance.now() - startedAt) / 1000
      await assertCounts(queue, { waiting: jobs })
      return { jobsPerSecond: jobs / seconds }
    },
  }

  const wanted = { jobsPerSecond: 'ours ≥ 5 000' }
  const result = report(await playRounds(bench, arms, 'jobsPerSecond'), 'jobsPerSecond', wanted)
  return { ...result, jobs, driverGrowthMb: roundTo(driverGrowthMb, 1) }
})
