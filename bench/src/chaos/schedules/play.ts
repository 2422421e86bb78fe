import { createWriteStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Calendar } from '@foliot/schedules'
import { Caller } from '../caller.ts'
import { startCluster } from '../cluster.ts'
import { seededRandom } from '../random.ts'
import type { PlayOptions } from '../run-chaos.ts'
import { type Hit, storm } from '../storm.ts'
import { newSchedules, quietMinutes } from './definitions.ts'
import { Editor } from './editor.ts'
import { gapsOf } from './gaps.ts'
import { ScheduleLedger } from './ledger.ts'
import type { SchedulesOutcome } from './outcome.ts'
import { MEMBERS, type MemberName, planSchedulerBlows } from './plan.ts'
import { type DecidedPlaces, readDecided } from './read-decided.ts'
import { SchedulerWatch } from './scheduler-watch.ts'
import { type Decided, judgeTicks, type TickVerdict } from './verdict.ts'

const JOBS = ['./bench/src/chaos/schedules/tick-jobs.ts']

/** How long all processes together may take to be ready. */
const READY_MS = 60_000
/** How long it may take until all that was due is written down, once nothing is done to the processes any more. */
const SETTLE_MS = 90_000
const LOOK_EVERY_MS = 1000
const PROGRESS_EVERY_MS = 10_000

/**
 * Plays one run: has schedules fire, and be changed, while schedulers are killed; lets all of it come to rest, and looks what
 * became of every tick.
 *
 * @throws Error if it could not be played, and the reason of `signal`.
 */
export async function play({ minutes, seed, dir, signal }: PlayOptions): Promise<SchedulesOutcome> {
  const log = createWriteStream(join(dir, 'actions.log'))
  const note = (line: string): void => void log.write(`${new Date().toISOString()}  ${line}\n`)
  const surprises: string[] = []
  const onUnexpectedEnd = (member: MemberName, how: string): void => {
    surprises.push(`${member} ended by itself: ${how}`)
  }
  try {
    await using cluster = await startCluster({ members: MEMBERS, jobs: JOBS, dir, note, onUnexpectedEnd })
    const late = await cluster.untilReady(READY_MS, signal)
    if (late.length > 0) throw new Error(`expected all processes to be ready within ${READY_MS} ms, got no ${late}`)

    const runsFile = join(dir, 'runs.log')
    await writeFile(runsFile, '')
    const ledger = new ScheduleLedger()
    const caller = new Caller({ urls: cluster.apiUrls, key: cluster.key })
    const editor = new Editor({ caller, ledger, random: seededRandom(seed, 'edits'), note, signal })
    const quiet = quietMinutes(Date.now())
    await editor.makeCalendar(quiet)
    using watch = new SchedulerWatch(cluster.redisUrl)
    const hits: Hit<MemberName>[] = []
    const progress = setInterval(
      () => console.log(`${ledger.records.length} schedules, ${hits.length} blows, ${ledger.changes} changes`),
      PROGRESS_EVERY_MS,
    )
    try {
      const durationMs = minutes * 60_000
      const blows = planSchedulerBlows(seededRandom(seed, 'blows'), durationMs)
      // All at once: what is new has to get through as well.
      await Promise.all([
        storm({ blows, cluster, note, signal }, hits),
        editor.make(newSchedules(seededRandom(seed, 'schedules'), runsFile)).then(() => note('all schedules are made')),
        editor.changeUntil(performance.now() + durationMs),
      ])
    } finally {
      clearInterval(progress)
    }
    note('nothing more is done to the processes')
    for (const member of cluster.members.values()) member.thaw()
    for (const name of await cluster.untilReady(READY_MS, signal)) surprises.push(`${name} did not come back`)
    const { changes } = ledger
    await editor.pauseAll()

    const places = { databaseUrl: cluster.databaseUrl, redisUrl: cluster.redisUrl, runsFile }
    const calendars = new Map([[quiet.name, new Calendar(quiet)]])
    const { decided, verdict } = await settle(places, (all) => judgeTicks(ledger.records, all, calendars), signal)
    const fires = firesOf(decided)
    return {
      ...verdict,
      hits,
      gaps: gapsOf({ hits, samples: watch.samples, records: ledger.records, fires }),
      changes,
      unrecorded: decided.made.filter(({ createdAt }) => createdAt === undefined).length,
      surprises,
    }
  } finally {
    log.end()
  }
}

/** Looks what became of all ticks, until each is found and all jobs are recorded, or there was time enough. */
async function settle(
  places: DecidedPlaces,
  judge: (decided: Decided) => TickVerdict,
  signal: AbortSignal,
): Promise<{ decided: Decided; verdict: TickVerdict }> {
  const giveUpAt = performance.now() + SETTLE_MS
  for (;;) {
    const lookedAt = performance.now()
    const decided = await readDecided(places)
    const verdict = judge(decided)
    const isLost = verdict.problems.some(({ kind }) => kind === 'lost')
    const isRecorded = decided.made.every(({ createdAt }) => createdAt !== undefined)
    if ((!isLost && isRecorded) || performance.now() > giveUpAt) return { decided, verdict }
    // Half of the time at most goes into looking, however much there is.
    await sleep(Math.max(LOOK_EVERY_MS, performance.now() - lookedAt), undefined, { signal })
  }
}

function firesOf({ made }: Decided): Map<string, number[]> {
  const fires = new Map<string, number[]>()
  for (const { scheduleId, createdAt } of made) {
    if (createdAt === undefined) continue
    const known = fires.get(scheduleId)
    if (known) known.push(createdAt)
    else fires.set(scheduleId, [createdAt])
  }
  for (const times of fires.values()) times.sort((a, b) => a - b)
  return fires
}
