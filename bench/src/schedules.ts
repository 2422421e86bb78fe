/**
 * How late ticks are: rules that are due again after `--every` seconds, their phases spread, or `--together` all in the same
 * instant, fired by one scheduler, with no worker. The baseline is BullMQ's job schedulers, which cannot do without one: there it
 * is until the handler is entered.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { JobType } from '@foliot/jobs'
import { announce, connectForLoops, defineScripts, projectSchedules, sayProjected } from '@foliot/queue'
import type { App } from './app.ts'
import type { JobSchedulersAnswer, JobSchedulersTask } from './baselines/job-schedulers.ts'
import { startErrand } from './errand.ts'
import { foliotOn } from './foliot.ts'
import { watchMemory } from './memory-watch.ts'
import { Round } from './round.ts'
import { type Bench, runBench } from './run-bench.ts'
import { type Rules, toSchedule } from './schedules/rules.ts'
import type { Watched, WatchTask } from './schedules/watch-ticks.ts'
import { median } from './statistics.ts'
import { roundTo, show, table } from './table.ts'

const QUEUE = 'ticks'
const TYPE = 'bench.tick'
const WARM_UP_MS = 3000
/** Where many are due together: the ticks of these are not to wait for them. */
const OTHERS = 1000
/** The baseline takes too long to set up for more. */
const BASELINE_MOST = 20_000

interface Ours extends Watched {
  othersP99Ms?: number
  readyMs: number
  memoryMb: number
}

const own = {
  rounds: 1,
  sizes: {
    rules: { standard: 5000, short: 100, most: 1_000_000 },
    every: { standard: 1, short: 1, most: 86_400 },
  },
  flags: ['together'],
}

await runBench(
  'schedules',
  async (bench) => {
    const { rules: count, every } = bench.options.sizes as { rules: number; every: number }
    const together = bench.options.flags.has('together')
    const everyMs = every * 1000
    const windowMs = bench.options.short ? 2000 : Math.max(10_000, Math.min(everyMs, 120_000))
    const ours: Ours[] = []
    const baseline: JobSchedulersAnswer[] = []
    for (let number = 1; number <= bench.options.rounds; number++) {
      await using round = new Round(number, 'ours', bench)
      ours.push(await round.waitFor(measure(round, { count, everyMs, together }, windowMs, bench)))
      if (count > BASELINE_MOST) continue
      await using other = new Round(number, 'baseline', bench)
      const server = await other.startRedis()
      const task = { redisUrl: server.url, queue: QUEUE, count, everyMs, together, warmUpMs: WARM_UP_MS, windowMs }
      const file = new URL('./baselines/job-schedulers.ts', import.meta.url)
      const errand = await other.run(startErrand<JobSchedulersTask, JobSchedulersAnswer>(file, task))
      baseline.push(errand.answer)
    }
    const of = <T extends object>(all: readonly T[], name: keyof T): number =>
      all.length === 0 ? Number.NaN : median(all.map((each) => (each[name] as number | undefined) ?? Number.NaN))
    const show1 = (value: number): string => (Number.isNaN(value) ? '' : show(value))
    const rows: [string, keyof Ours, string][] = [
      ['ticks', 'ticks', show1(of(baseline, 'ticks'))],
      ['lost', 'lost', show1(of(baseline, 'lost'))],
      ['doubled', 'doubled', show1(of(baseline, 'doubled'))],
      ['lateness p50, ms', 'p50Ms', show1(of(baseline, 'p50Ms'))],
      ['lateness p99, ms', 'p99Ms', show1(of(baseline, 'p99Ms'))],
      ['lateness max, ms', 'maxMs', ''],
      ['others, lateness p99, ms', 'othersP99Ms', ''],
      ['start → ready, ms', 'readyMs', ''],
      ['memory of the scheduler, MB', 'memoryMb', ''],
    ]
    const shown = rows.map(([label, name, theirs]) => [label, show1(of(ours, name)), theirs])
    console.log(`\n${table([`${count} rules every ${every} s`, 'ours', 'BullMQ'], shown)}\n`)
    const others = of(ours, 'othersP99Ms')
    return {
      rules: count,
      every,
      together,
      ticks: of(ours, 'ticks'),
      lost: Math.max(...ours.map(({ lost }) => lost)),
      doubled: Math.max(...ours.map(({ doubled }) => doubled)),
      latenessP50Ms: roundTo(of(ours, 'p50Ms'), 1),
      latenessP99Ms: roundTo(of(ours, 'p99Ms'), 1),
      latenessMaxMs: roundTo(of(ours, 'maxMs'), 1),
      ...(Number.isNaN(others) ? {} : { othersP99Ms: roundTo(others, 1) }),
      readyMs: roundTo(of(ours, 'readyMs'), 0),
      memoryMb: roundTo(of(ours, 'memoryMb'), 0),
      rounds: bench.options.rounds,
      baseline:
        baseline.length === 0
          ? null
          : {
              lost: of(baseline, 'lost'),
              doubled: of(baseline, 'doubled'),
              latenessP50Ms: roundTo(of(baseline, 'p50Ms'), 1),
              latenessP99Ms: roundTo(of(baseline, 'p99Ms'), 1),
            },
    }
  },
  own,
)

async function measure(
  round: Round,
  { count, everyMs, together }: Pick<Rules, 'count' | 'everyMs' | 'together'>,
  windowMs: number,
  bench: Bench,
): Promise<Ours> {
  const server = await round.startRedis()
  const redis = defineScripts(connectForLoops(server.url))
  try {
    await announce(redis, [
      {
        ...{
          name: TYPE,
          version: 1,
          queue: QUEUE,
          description: 'a tick',
          inputSchema: {},
          timeoutMs: 60_000,
          priority: 0,
        },
        ...{ retry: { attempts: 3 } as JobType['retry'], redact: [] },
      },
    ])
    // Due together on the whole second, as cron has it.
    const anchor = Math.floor(Date.now() / 1000) * 1000
    const rules: Rules = {
      prefix: 's',
      count,
      everyMs,
      together,
      anchor: together ? nextBurst(anchor, count, everyMs) : anchor,
    }
    const sets: Rules[] = [rules]
    if (together && everyMs > 1000)
      sets.push({ prefix: 'other', count: OTHERS, everyMs: 1000, together: false, anchor })
    let revision = 0
    for (const set of sets)
      for (let i = 0; i < set.count; i += 500)
        await projectSchedules(
          redis,
          Array.from({ length: Math.min(500, set.count - i) }, (_, j) => {
            const value = toSchedule(set, i + j, ++revision, TYPE)
            return { kind: 'schedule', tenant: 'default', id: value.id, revision, at: value.from, value }
          }),
        )
    await sayProjected(redis, revision)
    const { profileDir: dir } = bench.options
    const profile = dir === undefined ? undefined : { app: 'scheduler' as const, dir }
    const foliot = foliotOn(round, { redisUrl: server.url, profile })
    const startedAt = performance.now()
    const scheduler = await foliot.scheduler()
    await untilReady(scheduler, round.signal)
    const readyMs = performance.now() - startedAt
    const endWatch = watchMemory(scheduler)
    // What was due before it started is made up first.
    const burst = together ? rules.anchor : 0
    const fromMs = Math.max(Date.now() + WARM_UP_MS, together && everyMs > 10_000 ? burst - 2000 : 0)
    const task: WatchTask = {
      redisUrl: server.url,
      events: `foliot:{${QUEUE}}:events`,
      sets,
      fromMs,
      toMs: fromMs + windowMs,
      patienceMs: 20_000,
    }
    const file = new URL('./schedules/watch-ticks.ts', import.meta.url)
    const watcher = await round.run(startErrand<WatchTask, { sets: Watched[] }>(file, task))
    const [all, others] = watcher.answer.sets as [Watched, Watched?]
    const { maxMb } = endWatch()
    return { ...all, ...(others && { othersP99Ms: others.p99Ms }), readyMs, memoryMb: maxMb }
  } finally {
    redis.disconnect()
  }
}

/** Rules that are due seldom, and together: once, when all of it is set up. */
function nextBurst(now: number, count: number, everyMs: number): number {
  return everyMs <= 10_000 ? now : now + 20_000 + Math.ceil(count / 5000) * 1000
}

async function untilReady({ url }: App, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted()
    const { ok } = await fetch(`${url}/readyz`)
    if (ok) return
    await sleep(10)
  }
}
