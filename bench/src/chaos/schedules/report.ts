import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { percentile } from '../../statistics.ts'
import { show, table } from '../../table.ts'
import type { ChaosOptions } from '../options.ts'
import type { Gap } from './gaps.ts'
import { killsOf, objectionsTo, type SchedulesOutcome } from './outcome.ts'
import { SCHEDULERS } from './plan.ts'
import type { TickProblem } from './verdict.ts'

const SHOWN = 20
/** Within this time an edit takes effect where schedulers live. */
const PROMISED_MS = 1000

/** Prints what came of the run, for people. */
export function report(outcome: SchedulesOutcome, options: ChaosOptions): void {
  const { changes, reasons, stale, gaps, problems } = outcome
  console.log(`\n${hitsTable(outcome)}\n`)
  console.log(`edits, pauses and resumes: ${changes}`)
  console.log(
    `skipped ticks: ${[...reasons].map(([reason, count]) => `${reason} × ${show(count)}`).join(', ') || 'none'}`,
  )
  const slow = stale.filter((ms) => ms > PROMISED_MS)
  console.log(
    `ticks decided as they were before an edit, later than ${PROMISED_MS} ms after it: ${slow.length}` +
      (slow.length > 0 ? `, at most ${percentile(slow, 100)} ms` : ''),
  )
  console.log(`without a fire after a SIGKILL or SIGSTOP: ${spread(gaps)}`)
  console.log(`those of them with nothing else disturbed: ${spread(gaps.filter(({ isUndisturbed }) => isUndisturbed))}`)
  for (const objection of objectionsTo(outcome, options)) console.log(objection)
  for (const { kind, scheduleId, scheduledFor, why } of problems.slice(0, SHOWN)) {
    console.log(`${kind} ${scheduleId} ${scheduledFor}: ${why}`)
  }
  if (problems.length > SHOWN) console.log(`… and ${problems.length - SHOWN} more`)
}

/** The last line. */
export function lastLine(outcome: SchedulesOutcome, { seed }: ChaosOptions): object {
  const { expected, fired, skipped, problems } = outcome
  const count = (kind: TickProblem['kind']): number => problems.filter((problem) => problem.kind === kind).length
  return {
    chaos: 'schedules',
    seed,
    kills: killsOf(outcome),
    expected,
    fired,
    skipped,
    lost: count('lost'),
    doubled: count('doubled'),
    gapP99Ms: gapP99Of(outcome),
  }
}

/** Of undisturbed ones; of all if there are none. */
function gapP99Of({ gaps }: Pick<SchedulesOutcome, 'gaps'>): number | null {
  const undisturbed = gaps.filter(({ isUndisturbed }) => isUndisturbed)
  const counted = (undisturbed.length > 0 ? undisturbed : gaps).map(({ ms }) => ms)
  return counted.length === 0 ? null : percentile(counted, 99)
}

function spread(gaps: readonly Gap[]): string {
  if (gaps.length === 0) return 'none'
  const all = gaps.map(({ ms }) => ms)
  const most = percentile(all, 100)
  const { scheduleId, from, hit } = gaps.find(({ ms }) => ms === most) as Gap
  const longest = `${scheduleId} from ${new Date(from).toISOString()}, when ${hit.member} was hit`
  return `${all.length}, ${percentile(all, 50)} ms (p50), at most ${most} ms: ${longest}`
}

function hitsTable({ hits }: SchedulesOutcome): string {
  const rows = SCHEDULERS.map((name) => {
    const count = (kind: string): string =>
      String(hits.filter((hit) => hit.member === name && hit.kind === kind).length)
    return [name, count('kill'), count('stop'), count('freeze')]
  })
  return table(['', 'SIGKILL', 'SIGTERM', 'SIGSTOP'], rows)
}

/** Writes what somebody needs who wants to know why, beside what the processes left there. */
export async function saveProblems(dir: string, { problems, hits, gaps }: SchedulesOutcome): Promise<void> {
  await writeFile(join(dir, 'problems.json'), `${JSON.stringify({ problems, hits, gaps }, undefined, 2)}\n`)
}
