/**
 * A Redis that hangs for ten seconds while jobs are sent: how soon callers are told, and how soon jobs run again. The
 * baseline is an answer, and a job, of the second before.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { askApi } from './ask-api.ts'
import { freeze } from './chaos/freeze.ts'
import { foliotOn } from './foliot.ts'
import { Round } from './round.ts'
import { runBench } from './run-bench.ts'
import { median } from './statistics.ts'
import { roundTo, show, table } from './table.ts'

const JOB = { type: 'demo.echo', input: null }
const SEND_EVERY_MS = 20

await runBench('outage', async (bench) => {
  const frozenMs = bench.options.short ? 2000 : 10_000
  const rounds: Outage[] = []
  for (let number = 1; number <= bench.options.rounds; number++) {
    await using round = new Round(number, 'ours', bench)
    const times = await round.waitFor(measure(round, frozenMs))
    console.log(
      `round ${number}: 503 after ${show(times.toldMs)} ms, a job done ${show(times.doneMs)} ms after the return`,
    )
    rounds.push(times)
  }
  const most = (name: 'toldMs' | 'doneMs'): number => Math.max(...rounds.map((times) => times[name]))
  const jobMs = median(rounds.map((times) => times.jobMs))
  const rows = [
    ['a job before, ms (median)', show(jobMs), ''],
    ['first 503, ms (most)', show(most('toldMs')), '< 1000'],
    ['first job done after the return, ms (most)', show(most('doneMs')), '< 5000'],
  ]
  console.log(`\n${table([`Redis hangs for ${frozenMs} ms`, '', 'wanted'], rows)}\n`)
  return {
    figure: 'toldMs',
    ours: roundTo(most('toldMs'), 1),
    baseline: roundTo(jobMs, 2),
    ratio: roundTo(most('toldMs') / jobMs, 1),
    rounds: rounds.length,
    doneMs: roundTo(most('doneMs'), 1),
  }
})

interface Outage {
  /** A job before, from its sending until it is known to have ended. */
  jobMs: number
  /** From the freeze to the first 503. */
  toldMs: number
  /** From the return of Redis until the first job is done. */
  doneMs: number
}

async function measure(round: Round, frozenMs: number): Promise<Outage> {
  const server = await round.startRedis()
  const foliot = foliotOn(round, { redisUrl: server.url })
  await foliot.worker()
  const { url } = await foliot.api()
  const api = { url, key: foliot.key }
  const runJob = async (): Promise<number> => {
    const startedAt = performance.now()
    const { id } = await askApi<{ id: string }>(api, 'POST', '/v1/jobs', JOB)
    await askApi(api, 'GET', `/v1/jobs/${id}/wait`)
    return performance.now() - startedAt
  }
  const before: number[] = []
  while (before.length < 20) before.push(await runJob())

  const thaw = freeze(server.pid, (signal) => process.kill(server.pid, signal))
  try {
    const frozenAt = performance.now()
    let isTold = false
    while (!isTold) isTold = await runJob().then(() => false, isRefusal)
    const toldMs = performance.now() - frozenAt
    await sleep(frozenMs - toldMs, undefined, { signal: round.signal })
    thaw()
    const thawedAt = performance.now()
    while (await runJob().then(() => false, isRefusal)) await sleep(SEND_EVERY_MS)
    return { jobMs: median(before), toldMs, doneMs: performance.now() - thawedAt }
  } finally {
    thaw()
  }
}

/** @throws the error itself if it is another than the 503 of an api whose Redis is away */
function isRefusal(error: Error): true {
  if (/got 503/.test(error.message)) return true
  throw error
}
