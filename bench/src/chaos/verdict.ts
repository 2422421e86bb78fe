import { isDeepStrictEqual } from 'node:util'
import { isTerminal, LIMITS, type TimelineEvent } from '@foliot/jobs'
import type { JobRecord, Ledger } from './ledger.ts'
import type { Sink } from './sink.ts'

/** What must never come of a job. */
export interface Problem {
  kind: 'lost' | 'doubled' | 'unfinished' | 'unrecorded' | 'wrong'
  id: string
  why: string
}

export interface Verdict {
  problems: Problem[]
  /** How many jobs ended so, by the end that was seen last. */
  ends: Readonly<Record<'succeeded' | 'failed' | 'timed_out' | 'cancelled', number>>
  /** How many runs of handlers came after the first of their job. */
  reExecuted: number
}

/** Judges every accepted job by what the apis, the handlers and the sink told of it. */
export function judge(ledger: Ledger, sink: Pick<Sink, 'effects' | 'results'>): Verdict {
  const ends = { succeeded: 0, failed: 0, timed_out: 0, cancelled: 0 }
  const problems: Problem[] = []
  let reExecuted = 0
  for (const record of ledger.records) {
    const { status } = record.job
    if (status in ends) ends[status as keyof typeof ends]++
    reExecuted += Math.max(0, record.job.attempt - 1)
    const twins = ledger.twinsOf(record)
    if (twins.length > 0) {
      problems.push({ kind: 'doubled', id: record.id, why: `its request also made the job ${twins.join(', ')}` })
    }
    problems.push(...problemsOfEnd(record), ...problemsOfResult(record), ...problemsOfSteps(record, sink))
  }
  return { problems: oneOfEachKind(problems), ends, reExecuted }
}

/** How an attempt is told to have ended that counts against those that a job has. */
const USED_UP: ReadonlySet<TimelineEvent> = new Set(['attempt_failed', 'timed_out', 'worker_lost'])

/** A timeline tells the first 3 attempts and the last 17. */
const TOLD_ATTEMPTS = 20

function problemsOfEnd(record: JobRecord): Problem[] {
  const { id, request, sightings, job, isMissing } = record
  const { status, error } = job
  if (sightings.length === 0 && isMissing) {
    return [{ kind: 'lost', id, why: `accepted, last seen as ${status}, and not to be found` }]
  }
  const problems: Problem[] = []
  if (sightings.length > 1) {
    const seen = sightings.map(({ status, attempt, finishedAt }) => `${status} (attempt ${attempt}, ${finishedAt})`)
    problems.push({ kind: 'doubled', id, why: `seen as ${seen.join(', then as ')}` })
  }
  if (!isTerminal(status)) return [...problems, { kind: 'unfinished', id, why: `still ${status}` }]
  if (status === 'failed' && error?.kind === 'crashed') return [...problems, ...problemsOfCrash(record)]
  if (!request.mayEnd.includes(status)) {
    const ended = error ? `${status} (${error.name}: ${error.message})` : status
    problems.push({ kind: 'wrong', id, why: `a job that ${request.kind} ended as ${ended}` })
  }
  return problems
}

/** Workers die, and a job may die with them: at the third death, or once it has used up all attempts that it was sent with. */
function problemsOfCrash({ id, request, job }: JobRecord): Problem[] {
  const { attempt, attemptsUsed, timeline } = job
  const { attempts } = request.body
  const told = timeline.filter(({ event }) => USED_UP.has(event)).length
  const deaths = timeline.filter(({ event }) => event === 'worker_lost').length
  const untold = Math.max(0, attempt - TOLD_ATTEMPTS)
  const usedUp = attemptsUsed === attempts && told + untold >= attempts
  if (deaths <= LIMITS.deaths && (usedUp || deaths + untold >= LIMITS.deaths)) return []
  const why = `given up as crashed after ${deaths} deaths with ${attemptsUsed} of ${attempts} attempts used up, of which its timeline tells ${told}`
  return [{ kind: 'wrong', id, why }]
}

function problemsOfResult({ id, request, job }: JobRecord): Problem[] {
  const { type, input } = request.body
  if (type !== 'demo.echo' || job.status !== 'succeeded' || isDeepStrictEqual(job.output, input)) return []
  return [{ kind: 'wrong', id, why: `gave ${JSON.stringify(job.output)} for ${JSON.stringify(input)}` }]
}

function problemsOfSteps({ id, request, job }: JobRecord, { effects, results }: Pick<Sink, 'effects' | 'results'>) {
  const problems: Problem[] = []
  if (request.body.type !== 'chaos.effect') return problems
  const { steps } = request.body.input as { steps: number }
  const output = job.status === 'succeeded' ? (job.output as { results: string[] }).results : undefined
  for (let step = 1; step <= steps; step++) {
    const accepted = effects.get(`${id}:${step}`)?.accepted ?? 0
    // What its handlers were given for it, and what became of that in the end.
    const given = new Set([...(results.get(`${id}:${step}`) ?? []), ...(output?.slice(step - 1, step) ?? [])])
    if (accepted > 1) problems.push({ kind: 'doubled', id, why: `step ${step} had its effect ${accepted} times` })
    if (given.size > 1) {
      problems.push({ kind: 'doubled', id, why: `step ${step} has the results ${[...given].join(', ')}` })
    }
    if (accepted === 0 && output !== undefined) {
      problems.push({ kind: 'wrong', id, why: `succeeded without the effect of step ${step}` })
    }
  }
  return problems
}

/** A job counts once in each figure, with all that is to say of it. */
function oneOfEachKind(problems: readonly Problem[]): Problem[] {
  const byJob = new Map<string, Problem>()
  for (const problem of problems) {
    const key = `${problem.kind} ${problem.id}`
    const before = byJob.get(key)
    byJob.set(key, before === undefined ? problem : { ...before, why: `${before.why}; ${problem.why}` })
  }
  return [...byJob.values()]
}
