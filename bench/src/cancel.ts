/**
 * From the sending of a cancel to the abort of the signal in a worker, while 500 jobs a second pass; the baseline is the
 * same with nothing else to do.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type ApiAt, askApi } from './ask-api.ts'
import { startErrand } from './errand.ts'
import { foliotOn } from './foliot.ts'
import type { PacedLoadTask } from './load/paced-load.ts'
import { monotonicMs } from './monotonic.ts'
import { randomGapsMs } from './paced.ts'
import { type Arms, playRounds } from './play-rounds.ts'
import { report } from './report.ts'
import type { Round } from './round.ts'
import { runBench } from './run-bench.ts'
import { percentile } from './statistics.ts'

const PER_SECOND = 500
const CANCELS_PER_SECOND = 20
const CONCURRENCY = 50
/** Held at a time; the worker runs no more jobs of a queue than `CONCURRENCY`. */
const HELD = 25

await runBench('cancel', async (bench) => {
  const seconds = bench.options.short ? 3 : 25

  const play = async (round: Round, isLoaded: boolean) => {
    const server = await round.startRedis()
    const jobs = './bench/src/latency-jobs.ts,./bench/src/cancel-jobs.ts'
    const foliot = foliotOn(round, { redisUrl: server.url, jobs })
    await foliot.worker(CONCURRENCY)
    const { url } = await foliot.api()
    const api = { url, key: foliot.key }
    const task = { apiUrl: url, key: foliot.key, gapsMs: randomGapsMs(seconds * PER_SECOND, PER_SECOND), warmUp: 0 }
    const load = isLoaded
      ? round.run(startErrand<PacedLoadTask, object>(new URL('./load/paced-load.ts', import.meta.url), task))
      : sleep(seconds * 1000)
    let isOver = false
    void load.then(() => {
      isOver = true
    })
    const times: number[] = []
    while (!isOver) times.push(...(await cancelSome(api)))
    await load
    return { p99Ms: percentile(times, 99), p50Ms: percentile(times, 50), cancels: times.length }
  }

  const arms: Arms<'p99Ms' | 'p50Ms' | 'cancels'> = {
    ours: (round) => play(round, true),
    baseline: (round) => play(round, false),
  }
  return report(await playRounds(bench, arms, 'p99Ms'), 'p99Ms', { p99Ms: 'ours < 250 ms' })
})

/** Starts jobs, waits until they run, cancels them one by one, and gives how long each took to hear of it. */
async function cancelSome(api: ApiAt): Promise<number[]> {
  const jobs = Array.from({ length: HELD }, () => ({ type: 'bench.hold', input: null }))
  const { results } = await askApi<{ results: { job: { id: string } }[] }>(api, 'POST', '/v1/jobs/batch', { jobs })
  const ids = results.map(({ job }) => job.id)
  for (;;) {
    const { items } = await askApi<{ items: object[] }>(api, 'GET', '/v1/jobs?status=running&queue=hold')
    if (items.length === ids.length) break
    await sleep(20)
  }
  const times: number[] = []
  for (const [i, gapMs] of randomGapsMs(HELD, CANCELS_PER_SECOND).entries()) {
    await sleep(gapMs)
    const path = `/v1/jobs/${ids[i]}`
    const sentMs = monotonicMs()
    await askApi(api, 'POST', `${path}/cancel`)
    const { status } = await askApi<{ status: string }>(api, 'GET', `${path}/wait`)
    if (status !== 'cancelled') throw new Error(`expected a cancelled job, got one that is ${status}`)
    const log = await askApi<string>(api, 'GET', `${path}/logs`)
    times.push(Number(/"atMs":([\d.]+)/.exec(log)?.[1]) - sentMs)
  }
  return times
}
