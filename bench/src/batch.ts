/** POST /v1/jobs/batch against `addBulk`: batches of 1000 jobs, 4 in flight. */
import type { BulkAnswer, BulkTask } from './baselines/bulk-adder.ts'
import { startErrand } from './errand.ts'
import { foliotOn } from './foliot.ts'
import type { BatchLoadAnswer, BatchLoadTask } from './load/batch-load.ts'
import { type Arms, playRounds } from './play-rounds.ts'
import { countProcessorTime, redisUs } from './processor-time.ts'
import { assertCounts } from './queue-counts.ts'
import { BARE_QUEUE, openBareQueue, openFoliotQueue } from './queues.ts'
import { report } from './report.ts'
import { runBench } from './run-bench.ts'
import { QUEUE } from './sample.ts'

const BATCH_SIZE = 1000
const IN_FLIGHT = 4

await runBench('batch', async (bench) => {
  const { short, profileDir } = bench.options
  const load = { batchSize: BATCH_SIZE, inFlight: IN_FLIGHT, warmUp: short ? 4 : 40, batches: short ? 4 : 100 }
  const timed = load.batches * BATCH_SIZE
  const stored = timed + load.warmUp * BATCH_SIZE

  const arms: Arms<'jobsPerSecond' | 'nodeUsPerJob' | 'redisUsPerJob'> = {
    async ours(round) {
      const server = await round.startRedis()
      const redis = round.connect(server)
      const profile = profileDir === undefined ? undefined : ({ app: 'api', dir: profileDir } as const)
      const foliot = foliotOn(round, { redisUrl: server.url, profile })
      await foliot.announce()
      const api = await foliot.api()
      const used = await countProcessorTime(api.pid, redis)
      const { answer } = await round.run(
        startErrand<BatchLoadTask, BatchLoadAnswer>(new URL('./load/batch-load.ts', import.meta.url), {
          ...load,
          apiUrl: api.url,
          key: foliot.key,
        }),
      )
      const total = await used()
      await assertCounts(openFoliotQueue(redis, QUEUE), { waiting: stored })
      return {
        jobsPerSecond: timed / answer.seconds,
        nodeUsPerJob: total.nodeUs / stored,
        redisUsPerJob: total.redisUs / stored,
      }
    },
    async baseline(round) {
      const server = await round.startRedis()
      const redis = round.connect(server)
      const redisUsBefore = await redisUs(redis)
      const { answer } = await round.run(
        startErrand<BulkTask, BulkAnswer>(new URL('./baselines/bulk-adder.ts', import.meta.url), {
          ...load,
          redisUrl: server.url,
          queue: BARE_QUEUE,
        }),
      )
      const redisUsAfter = await redisUs(redis)
      await assertCounts(openBareQueue(redis), { waiting: stored })
      return {
        jobsPerSecond: timed / answer.seconds,
        nodeUsPerJob: answer.nodeUs / stored,
        redisUsPerJob: (redisUsAfter - redisUsBefore) / stored,
      }
    },
  }

  const pairs = await playRounds(bench, arms, 'jobsPerSecond')
  return report(pairs, 'jobsPerSecond', { jobsPerSecond: '≥ 0.8' })
})
