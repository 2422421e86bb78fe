import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { percentile } from '../statistics.ts'
import { show, table } from '../table.ts'
import type { JobRecord } from './ledger.ts'
import type { ChaosOptions } from './options.ts'
import { type Outcome, objectionsTo } from './outcome.ts'
import { MEMBERS } from './plan.ts'
import { type Recovery, wasUndisturbed } from './recovery.ts'
import type { Hit } from './storm.ts'
import type { Problem } from './verdict.ts'

/** Prints what came of the run, for people. */
export function report(outcome: Outcome): void {
  const { records, hits, answers, effects, problems, recoveries } = outcome
  console.log(`\n${jobsTable(records)}\n`)
  console.log(`${hitsTable(hits)}\n`)
  console.log(`answers to enqueue: ${counted(answers)}`)
  console.log(`starts after a start: ${counted(reasonsOf(records))}`)
  const refused = [...effects.values()].reduce((sum, heard) => sum + heard.refused, 0)
  console.log(`effects: ${effects.size} accepted, ${refused} came again and were refused`)
  console.log(`jobs of killed workers started again: ${spread(recoveries)}`)
  const undisturbed = recoveries.filter((recovery) => wasUndisturbed(recovery, hits))
  console.log(`those of them during which nothing was done to Redis: ${spread(undisturbed)}`)
  for (const objection of objectionsTo(outcome)) console.log(objection)
  for (const { kind, id, why } of problems.slice(0, SHOWN)) console.log(`${kind} ${id}: ${why}`)
  if (problems.length > SHOWN) console.log(`… and ${problems.length - SHOWN} more`)
}

const SHOWN = 20

/** The last line. */
export function lastLine(outcome: Outcome, { seed, minutes }: ChaosOptions): object {
  const { records, hits, ends, reExecuted, problems, recoveries } = outcome
  const count = (kind: Problem['kind']): number => problems.filter((problem) => problem.kind === kind).length
  return {
    chaos: 'jobs',
    seed,
    minutes,
    kills: hits.filter(({ kind }) => kind === 'kill').length,
    accepted: records.length,
    recorded: outcome.recorded,
    succeeded: ends.succeeded,
    failed: ends.failed,
    timedOut: ends.timed_out,
    cancelled: ends.cancelled,
    reExecuted,
    lost: count('lost'),
    doubled: count('doubled'),
    unfinished: count('unfinished'),
    unrecorded: count('unrecorded'),
    // Only said when there is something to say.
    ...(count('wrong') > 0 && { wrong: count('wrong') }),
    recoveryP50Ms: p50Of(recoveries),
    recoveryMaxMs: maxOf(recoveries),
  }
}

const lasted = ({ from, until }: Recovery): number => until - from
const p50Of = (some: readonly Recovery[]): number | null => (some.length > 0 ? percentile(some.map(lasted), 50) : null)
const maxOf = (some: readonly Recovery[]): number | null => (some.length > 0 ? percentile(some.map(lasted), 100) : null)

const spread = (some: readonly Recovery[]): string =>
  some.length === 0 ? 'none' : `${some.length}, after ${p50Of(some)} ms (p50), at most ${maxOf(some)} ms`

const ENDS = ['succeeded', 'failed', 'timed_out', 'cancelled'] as const

function jobsTable(records: readonly JobRecord[]): string {
  const kinds = [...new Set(records.map(({ request }) => request.kind))].sort()
  const rows = kinds.map((kind) => {
    const jobs = records.filter(({ request }) => request.kind === kind).map(({ job }) => job)
    const ended = ENDS.map((end) => jobs.filter(({ status }) => status === end).length)
    const starts = jobs.reduce((sum, { attempt }) => sum + attempt, 0)
    return [kind, ...[jobs.length, ...ended, starts].map(String)]
  })
  return table(['a job that', 'accepted', ...ENDS, 'starts'], rows)
}

function hitsTable(hits: readonly Hit[]): string {
  const rows = MEMBERS.map((name) => {
    const count = (kind: string): string =>
      String(hits.filter((hit) => hit.member === name && hit.kind === kind).length)
    return [name, count('kill'), count('stop'), count('freeze')]
  })
  return table(['', 'SIGKILL', 'SIGTERM', 'SIGSTOP'], rows)
}

/** Why jobs were started once more: what their timelines tell between two starts. */
function reasonsOf(records: readonly JobRecord[]): Map<string, number> {
  const reasons = new Map<string, number>()
  for (const { job } of records) {
    const starts = job.timeline.flatMap(({ event }, i) => (event === 'started' ? [i] : []))
    for (const i of starts.slice(1)) {
      const reason = job.timeline[i - 1]?.event ?? 'unknown'
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
    }
  }
  return reasons
}

const counted = (counts: ReadonlyMap<string, number>): string =>
  [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} × ${show(count)}`)
    .join(', ') || 'none'

/** Writes what somebody needs who wants to know why, beside what the processes left there. */
export async function saveProblems(dir: string, { problems, records }: Outcome): Promise<void> {
  const byId = new Map(records.map((record) => [record.id, record]))
  const told = problems.map((problem) => ({ ...problem, record: byId.get(problem.id) }))
  await writeFile(join(dir, 'problems.json'), `${JSON.stringify(told, undefined, 2)}\n`)
}
