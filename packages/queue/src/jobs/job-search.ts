import { decimalOf, isDecimal, type Job, type JobStatus, searchedTexts, wordsOf } from '@foliot/jobs'
import { finishedAttempts } from '../outbox/finished-attempts.ts'
import { type JobFilter, matchesFilter } from './job-filter.ts'
import type { StoredJob } from './job-hash.ts'
import { textsOf } from './job-texts.ts'

/** What a list of jobs is asked for. All that is given has to fit; a history answers the same for jobs that are gone. */
export interface JobSearch extends JobFilter {
  /** One of them. Default: all. */
  statuses?: readonly JobStatus[]
  /** Of the schedule that made them. */
  scheduleId?: string
  /** That ran any of its attempts. */
  worker?: string
  /** From the start of the last attempt to the end of the job, in milliseconds; both bounds fit. */
  minDurationMs?: number
  maxDurationMs?: number
  /** Words that its errors, the reasons of its attempts or its log hold, all of them, in any order and in any case. */
  q?: string
  /** What the input holds, all of it. */
  input?: readonly InputCondition[]
}

/** Of the objects along a path; what stands in arrays is not found. */
export interface InputCondition {
  /** Names of fields, from the outermost. */
  path: readonly string[]
  /** A text, or the spelling of a number, of `true`, `false` or `null`: both the text and the value fit. */
  value: string
}

/** A job as it was read, with its log if the search is for words. */
export interface Candidate {
  stored: StoredJob
  job: Job
  log: readonly string[]
}

/** Whether a job fits everything in the search but its times and its status. */
export const matchesSearch = (candidate: Candidate, search: JobSearch): boolean =>
  matchesFilter(candidate.job, search) &&
  (search.scheduleId === undefined || candidate.job.scheduleId === search.scheduleId) &&
  (search.worker === undefined || workersOf(candidate.stored).has(search.worker)) &&
  hasDuration(candidate.job, search) &&
  (search.input ?? []).every((condition) => holds(candidate.job, condition)) &&
  (search.q === undefined || hasWords(candidate, search.q))

function workersOf(stored: StoredJob): Set<string> {
  const { pb } = stored.fields
  return new Set([...finishedAttempts(stored).map(({ worker }) => worker), ...(pb === undefined ? [] : [pb])])
}

function hasDuration({ startedAt, finishedAt }: Job, { minDurationMs, maxDurationMs }: JobSearch): boolean {
  if (minDurationMs === undefined && maxDurationMs === undefined) return true
  if (startedAt === undefined || finishedAt === undefined) return false
  const ms = Date.parse(finishedAt) - Date.parse(startedAt)
  return ms >= (minDurationMs ?? 0) && ms <= (maxDurationMs ?? Number.POSITIVE_INFINITY)
}

function holds(job: Job, { path, value }: InputCondition): boolean {
  const at = standsAt(job.input, path)
  if (typeof at === 'string') return at === value
  if (typeof at === 'number') return isDecimal(value) && at === Number(value) && isSpelled(job, path, value)
  return (at === null || typeof at === 'boolean') && String(at) === value
}

function standsAt(input: unknown, path: readonly string[]): unknown {
  let at = input
  for (const name of path) {
    if (typeof at !== 'object' || at === null || Array.isArray(at) || !Object.hasOwn(at, name)) return undefined
    at = (at as Record<string, unknown>)[name]
  }
  return at
}

/** Whether the number is the one that was sent, of which JavaScript may have kept another. */
function isSpelled(job: Job, path: readonly string[], value: string): boolean {
  const spelled = JSON.parse(textsOf(job).input, spellingOf as (key: string, value: unknown) => unknown)
  return decimalOf(String(standsAt(spelled, path))) === decimalOf(value)
}

const spellingOf = (_key: string, value: unknown, { source }: { source?: string }): unknown =>
  typeof value === 'number' ? source : value

/** Text without a word fits no job. */
function hasWords({ job, stored, log }: Candidate, q: string): boolean {
  const wanted = wordsOf(q)
  if (wanted.size === 0) return false
  const found = wordsOf([...searchedTexts(job.error, finishedAttempts(stored), log)].join('\n'))
  return [...wanted].every((word) => found.has(word))
}
