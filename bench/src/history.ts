/**
 * The history in PostgreSQL: how fast a backlog is recorded, how late it is under a steady load and what that costs the
 * queue, and how fast many jobs are searched. The baseline, for what it costs, is the same load without recorder and
 * PostgreSQL.
 */
import { type ArchiveFigures, type ArchiveSizes, measureArchive } from './history/measure-archive.ts'
import { type Lag, type Load, runRecorded, runUnrecorded } from './history/measure-live.ts'
import type { SearchTimes, Times } from './history/time-searches.ts'
import { randomGapsMs } from './paced.ts'
import { playRounds } from './play-rounds.ts'
import { report } from './report.ts'
import { Round } from './round.ts'
import { type Bench, runBench } from './run-bench.ts'
import { median } from './statistics.ts'
import { roundTo, show, table } from './table.ts'

const SEED = 1
const PER_SECOND = 1000
const WARM_UP_SECONDS = 3

await runBench('history', play, {
  rounds: 3,
  sizes: {
    jobs: { standard: 50_000, short: 2000, most: 100_000_000 },
    // Of those, how many finish with nobody who records them, and then wait for the recorder.
    backlog: { standard: 10_000, short: 400, most: 100_000_000 },
    days: { standard: 30, short: 10, most: 365 },
    seconds: { standard: 8, short: 1, most: 3600 },
  },
})

async function play(bench: Bench): Promise<object> {
  const { jobs = 0, backlog = 0, days = 0, seconds = 0 } = bench.options.sizes
  if (backlog >= jobs) throw new Error(`expected --backlog to be less than --jobs, ${jobs}, got ${backlog}`)
  const archive = await playArchive(bench, { jobs, backlog, days })
  reportSearches(archive)
  const { redisSlowdown, lags } = await playLive(bench, seconds)
  const { recordedPerSecond, searches, byId, groups } = archive
  const isRare = ({ group }: SearchTimes): boolean => group === 'rare'
  const worstMs = (of: SearchTimes[]): number => Math.max(...of.map(({ rest, direct }) => (rest ?? direct).p95Ms))
  const figures = {
    recordedPerSecond: roundTo(recordedPerSecond, 0),
    lagP99Ms: roundTo(Math.max(...lags.map(({ p99Ms }) => p99Ms)), 1),
    searchP95Ms: roundTo(worstMs(searches.filter((times) => !isRare(times))), 1),
    rareP95Ms: roundTo(worstMs(searches.filter(isRare)), 1),
    byIdP95Ms: roundTo(byId.p95Ms, 2),
    groupsP95Ms: roundTo(Math.max(groups.recorded?.p95Ms ?? 0, groups.today.p95Ms), 1),
    redisSlowdown: roundTo(redisSlowdown, 3),
  }
  const wanted = ['≥ 5000', '< 2000', '< 150', '< 150', '< 5', '< 300', '≤ 1.5']
  const rows = Object.entries(figures).map(([name, figure], i) => [name, show(figure), wanted[i] ?? ''])
  console.log(`\n${table([`${jobs} jobs`, '', 'wanted'], rows)}\n`)
  return { jobs, ...figures }
}

async function playArchive(bench: Bench, of: Pick<ArchiveSizes, 'jobs' | 'backlog' | 'days'>): Promise<ArchiveFigures> {
  const { short, profileDir } = bench.options
  // The rounds of the load have the numbers from 1.
  await using round = new Round(0, 'ours', bench)
  const sizes = { ...of, questions: short ? 5 : 100, seed: SEED, profileDir }
  return await round.waitFor(measureArchive(round, sizes))
}

async function playLive(bench: Bench, seconds: number): Promise<{ redisSlowdown: number; lags: Lag[] }> {
  const warmUp = (bench.options.short ? 1 : WARM_UP_SECONDS) * PER_SECOND
  const loads: Load[] = Array.from({ length: bench.options.rounds }, () => ({
    seed: SEED,
    gapsMs: randomGapsMs(warmUp + seconds * PER_SECOND, PER_SECOND),
    warmUp,
  }))
  const loadOf = (round: Round): Load => loads[round.number - 1] as Load
  const lags: Lag[] = []
  const arms = {
    async ours(round: Round) {
      const { start, lag } = await runRecorded(round, loadOf(round))
      lags.push(lag)
      return start
    },
    baseline: (round: Round) => runUnrecorded(round, loadOf(round)),
  }
  console.log(`${PER_SECOND} jobs a second for ${seconds} s, from their sending until their handler is entered:`)
  const pairs = await playRounds(bench, arms, 'p50Ms')
  const { ratio } = report(pairs, 'p50Ms', { p50Ms: '≤ 1.5' }) as { ratio: number }
  const row = (name: string, of: keyof Lag): string[] => [name, show(median(lags.map((lag) => lag[of])))]
  const rows = [
    row('from the end of a job to its record, p50 ms', 'p50Ms'),
    row('p99 ms', 'p99Ms'),
    row('at most, ms', 'mostMs'),
    row('finished jobs that waited, at most', 'outboxMost'),
    row('growth of those over the last half', 'outboxGrowth'),
  ]
  console.log(table(['the history beside it', 'median of rounds'], rows))
  return { redisSlowdown: ratio, lags }
}

function reportSearches({ searches, byId, groups }: ArchiveFigures): void {
  const rows = searches.map(({ name, group, direct, rest, found }) => [
    `${group}: ${name}`,
    show(direct.p50Ms),
    show(direct.p95Ms),
    rest ? show(rest.p50Ms) : '–',
    rest ? show(rest.p95Ms) : '–',
    show(found),
  ])
  const others: [name: string, times: Times][] = [
    ['GET /v1/jobs/{id}', byId],
    ...(groups.recorded ? [['GET /v1/errors, an older day', groups.recorded] satisfies [string, Times]] : []),
    ['GET /v1/errors, the last day', groups.today],
  ]
  for (const [name, { p50Ms, p95Ms }] of others) rows.push([name, '', '', show(p50Ms), show(p95Ms), ''])
  const head = ['ms', 'searchJobs p50', 'p95', 'REST p50', 'p95', 'jobs on a page']
  console.log(`\n${table(head, rows)}\n`)
}
