/** From the sending of a request to the entering of the handler, at a low, random rate. */
import type { Queue } from 'bullmq'
import type { WorkerTask } from './baselines/bare-worker.ts'
import type { PacedAdderTask } from './baselines/paced-adder.ts'
import { startErrand } from './errand.ts'
import { foliotOn } from './foliot.ts'
import type { PacedLoadTask } from './load/paced-load.ts'
import { type Pace, randomGapsMs } from './paced.ts'
import { type Arms, playRounds } from './play-rounds.ts'
import { assertCounts, untilIdle } from './queue-counts.ts'
import { BARE_QUEUE, openBareQueue, openFoliotQueue } from './queues.ts'
import { report } from './report.ts'
import type { Round } from './round.ts'
import { runBench } from './run-bench.ts'
import { percentile } from './statistics.ts'
import { roundTo } from './table.ts'

const PER_SECOND = 50
const CONCURRENCY = 50

/** Samples of an arm over all rounds; a p99 of fewer says little. */
const SAMPLES = 3000

interface Stamped {
  data: { sentMs: number; measured: boolean }
  returnvalue: number
}

await runBench('latency', async (bench) => {
  const { short, rounds, profileDir } = bench.options
  const warmUp = short ? 10 : 100
  const samples = short ? 40 : Math.max(600, Math.ceil(SAMPLES / rounds))
  const all = { ours: [] as number[], baseline: [] as number[] }
  // Each pair of arms is sent the same jobs at the same times.
  const paces: Pace[] = Array.from({ length: rounds }, () => ({
    gapsMs: randomGapsMs(warmUp + samples, PER_SECOND),
    warmUp,
  }))
  const paceOf = (round: Round): Pace => paces[round.number - 1] as Pace

  const readTimes = async (arm: keyof typeof all, queue: Queue, { signal }: Round) => {
    await untilIdle(queue, signal)
    await assertCounts(queue, { completed: warmUp + samples })
    const jobs = (await queue.getJobs(['completed'])) as Stamped[]
    const times = jobs.filter(({ data }) => data.measured).map(({ data, returnvalue }) => returnvalue - data.sentMs)
    if (times.length !== samples) throw new Error(`expected ${samples} samples, got ${times.length}`)
    all[arm].push(...times)
    return { p50Ms: percentile(times, 50), p95Ms: percentile(times, 95), p99Ms: percentile(times, 99) }
  }

  const arms: Arms<'p50Ms' | 'p95Ms' | 'p99Ms'> = {
    async ours(round) {
      const server = await round.startRedis()
      const profile = profileDir === undefined ? undefined : ({ app: 'api', dir: profileDir } as const)
      const foliot = foliotOn(round, { redisUrl: server.url, jobs: './bench/src/latency-jobs.ts', profile })
      await foliot.worker(CONCURRENCY)
      const { url: apiUrl } = await foliot.api()
      const task = { apiUrl, key: foliot.key, ...paceOf(round) }
      await round.run(startErrand<PacedLoadTask, object>(new URL('./load/paced-load.ts', import.meta.url), task))
      return readTimes('ours', openFoliotQueue(round.connect(server), 'bench'), round)
    },
    async baseline(round) {
      const server = await round.startRedis()
      const at = { redisUrl: server.url, queue: BARE_QUEUE }
      const worker = { ...at, concurrency: CONCURRENCY, returns: 'entered' } as const
      await round.run(startErrand<WorkerTask, object>(new URL('./baselines/bare-worker.ts', import.meta.url), worker))
      const task = { ...at, ...paceOf(round) }
      await round.run(startErrand<PacedAdderTask, object>(new URL('./baselines/paced-adder.ts', import.meta.url), task))
      return readTimes('baseline', openBareQueue(round.connect(server)), round)
    },
  }

  const pairs = await playRounds(bench, arms, 'p50Ms')
  const result = report(pairs, 'p50Ms', { p50Ms: '≤ 2' })
  const p99Of = (times: readonly number[]): number => roundTo(percentile(times, 99), 2)
  return {
    ...result,
    samplesPerArm: all.ours.length,
    p99OfAllMs: { ours: p99Of(all.ours), baseline: p99Of(all.baseline) },
  }
})
