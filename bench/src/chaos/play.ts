import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Caller } from './caller.ts'
import { type Cluster, startCluster } from './cluster.ts'
import { Driver } from './driver.ts'
import { Ledger } from './ledger.ts'
import { steadyLoad } from './load.ts'
import type { Outcome } from './outcome.ts'
import { MEMBERS, type MemberName, planBlows } from './plan.ts'
import { seededRandom } from './random.ts'
import { problemsOfHistory, readRecorded } from './recorded.ts'
import { recoveriesOf } from './recovery.ts'
import { chaosRequests } from './requests.ts'
import type { PlayOptions } from './run-chaos.ts'
import { startSink } from './sink.ts'
import { type Hit, storm } from './storm.ts'
import { judge } from './verdict.ts'

/** A modest rate: what is looked for are lost jobs, not limits. */
const JOBS_PER_SECOND = 50

/** How long all processes together may take to be ready. */
const READY_MS = 60_000
const JOBS = ['@foliot/example-demo', './bench/src/chaos/chaos-jobs.ts']
/** How long the last jobs may take to end once nothing is done to the processes any more. */
const SETTLE_MS = 120_000
/** How long it may take to look at every job once more. */
const LOOK_MS = 120_000
const PROGRESS_EVERY_MS = 10_000

/**
 * Plays one run: sends jobs while processes are killed, lets all of it come to rest, and looks at every job.
 *
 * @throws Error if it could not be played, and the reason of `signal`.
 */
export async function play({ minutes, seed, dir, signal: stop }: PlayOptions): Promise<Outcome> {
  const log = createWriteStream(join(dir, 'actions.log'))
  const note = (line: string): void => void log.write(`${new Date().toISOString()}  ${line}\n`)
  const broken = new AbortController()
  const signal = AbortSignal.any([stop, broken.signal])
  const ledger = new Ledger()
  const surprises: string[] = []
  const onUnexpectedEnd = (member: MemberName, how: string): void => {
    // Jobs of the mix do that to their worker: one crashes it, and for one that blocks it its watchdog may.
    if (!(member.startsWith('worker') && how === 'SIGKILL')) surprises.push(`${member} ended by itself: ${how}`)
  }
  try {
    await using sink = await startSink((request, id) => ledger.meet(request, id))
    await using cluster = await startCluster({ members: MEMBERS, jobs: JOBS, dir, note, onUnexpectedEnd })
    const late = await cluster.untilReady(READY_MS, signal)
    if (late.length > 0) throw new Error(`expected all processes to be ready within ${READY_MS} ms, got no ${late}`)

    const caller = new Caller({ urls: cluster.apiUrls, key: cluster.key })
    const driver = new Driver({ caller, ledger, signal, onBroken: (error) => broken.abort(error) })
    const hits: Hit[] = []
    let unaccepted = 0
    const progress = setInterval(() => {
      console.log(`${ledger.accepted} accepted, ${ledger.ended} ended, ${hits.length} blows`)
    }, PROGRESS_EVERY_MS)
    const durationMs = minutes * 60_000
    try {
      await Promise.all([
        storm({ blows: planBlows(seededRandom(seed, 'blows'), durationMs), cluster, note, signal }, hits),
        steadyLoad({
          requests: chaosRequests({ random: seededRandom(seed, 'requests'), seed, sink: sink.url }),
          perSecond: JOBS_PER_SECOND,
          durationMs,
          send: (request) => void driver.send(request),
          signal,
        }),
      ])
      note('nothing more is done to the processes')
      for (const name of await calm(cluster, signal)) surprises.push(`${name} did not come back`)
      await untilAtRest(driver, ledger, signal)
      unaccepted = driver.sending
    } finally {
      clearInterval(progress)
      await driver.stop()
    }
    await driver.lookAtAll(AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS)]))
    const { records } = ledger
    const recorded = await readRecorded(cluster.databaseUrl, records, signal)
    const verdict = judge(ledger, sink)
    return {
      ...verdict,
      problems: [...verdict.problems, ...problemsOfHistory(records, recorded)],
      recorded: recorded.length,
      records,
      hits,
      answers: driver.answers,
      effects: sink.effects,
      recoveries: records.flatMap(({ job }) => recoveriesOf(job.timeline, hits)),
      unaccepted,
      surprises,
    }
  } catch (error) {
    throw broken.signal.aborted && !stop.aborted ? broken.signal.reason : error
  } finally {
    log.end()
  }
}

/** Lets all go on that is frozen and waits for what is about to be started again. @returns who does not come back. */
function calm(cluster: Cluster<MemberName>, signal: AbortSignal): Promise<MemberName[]> {
  for (const member of cluster.members.values()) member.thaw()
  return cluster.untilReady(READY_MS, signal)
}

async function untilAtRest(driver: Driver, ledger: Ledger, signal: AbortSignal): Promise<void> {
  const giveUpAt = performance.now() + SETTLE_MS
  while ((driver.sending > 0 || ledger.ended < ledger.accepted) && performance.now() < giveUpAt) {
    await sleep(50, undefined, { signal })
  }
}
