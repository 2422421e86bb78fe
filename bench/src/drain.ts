/** The worker app against a bare BullMQ worker: jobs that were there before, whose handler gives back its input. */
import type { WorkerTask } from './baselines/bare-worker.ts'
import type { BulkAnswer, BulkTask } from './baselines/bulk-adder.ts'
import { startErrand } from './errand.ts'
import { foliotOn } from './foliot.ts'
import type { BatchLoadAnswer, BatchLoadTask } from './load/batch-load.ts'
import { type Arms, playRounds } from './play-rounds.ts'
import { BARE_QUEUE, openBareQueue, openFoliotQueue } from './queues.ts'
import { report } from './report.ts'
import { runBench } from './run-bench.ts'
import { QUEUE } from './sample.ts'
import { timeDrain } from './time-drain.ts'

const CONCURRENCY = 50
const BATCH_SIZE = 1000

await runBench('drain', async (bench) => {
  const { short, profileDir } = bench.options
  const batches = short ? 2 : 50
  const jobs = batches * BATCH_SIZE
  const load = { batchSize: BATCH_SIZE, inFlight: 4, warmUp: 0, batches }

  const arms: Arms<'jobsPerSecond' | 'nodeUsPerJob' | 'redisUsPerJob'> = {
    async ours(round) {
      const server = await round.startRedis()
      const profile = profileDir === undefined ? undefined : ({ app: 'worker', dir: profileDir } as const)
      const foliot = foliotOn(round, { redisUrl: server.url, profile })
      await foliot.announce()
      const api = await foliot.api()
      const filler = await round.run(
        startErrand<BatchLoadTask, BatchLoadAnswer>(new URL('./load/batch-load.ts', import.meta.url), {
          ...load,
          apiUrl: api.url,
          key: foliot.key,
        }),
      )
      await filler.stop()
      await api.stop()
      return timeDrain(round, {
        server,
        openQueue: (redis) => openFoliotQueue(redis, QUEUE),
        jobs,
        startWorker: () => foliot.worker(CONCURRENCY),
      })
    },
    async baseline(round) {
      const server = await round.startRedis()
      const at = { redisUrl: server.url, queue: BARE_QUEUE }
      const filler = await round.run(
        startErrand<BulkTask, BulkAnswer>(new URL('./baselines/bulk-adder.ts', import.meta.url), { ...load, ...at }),
      )
      await filler.stop()
      const worker = { ...at, concurrency: CONCURRENCY, returns: 'data' } as const
      return timeDrain(round, {
        server,
        openQueue: openBareQueue,
        jobs,
        startWorker: () =>
          round.run(startErrand<WorkerTask, object>(new URL('./baselines/bare-worker.ts', import.meta.url), worker)),
      })
    },
  }

  const pairs = await playRounds(bench, arms, 'jobsPerSecond')
  return report(pairs, 'jobsPerSecond', { jobsPerSecond: '≥ 0.8' })
})
