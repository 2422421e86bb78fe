import type { JobStatus, TimelineEntry, TimelineEvent } from '@foliot/jobs'
import { ATTEMPT_FIELDS, type AttemptRecord } from '../attempts/attempt-record.ts'
import { STOP_MANNERS, type StopManner } from '../attempts/settlement.ts'
import type { Envelope } from '../enqueue/envelope.ts'

/**
 * An event that no attempt caused, as one line of the hash's field `ev`: what a caller did, the end that it undid, or that
 * the deadline passed while the job waited. `note-events.lua` keeps the first and the last of them.
 */
export interface CallerEvent {
  /** ms since 1970 */
  at: number
  event: TimelineEvent
  detail?: string
  /** The attempt that ended so, if this is an end. */
  attempt?: number
  /** How many attempts had been started by then; the script adds it. */
  after?: number
}

interface Entry {
  at: number
  event: TimelineEvent
  attempt?: number
  detail?: string | undefined
  after?: number
}

/** Tells a job's life from its fields: made, started, failed, put off, finished, and what callers did to it. */
export function timelineOf(
  { fields }: { fields: Record<string, string> },
  status: JobStatus,
  envelope: Envelope,
): TimelineEntry[] {
  const created = Number(fields.timestamp) || 0
  const entries: Entry[] = [{ at: created, event: 'created' }]
  if (envelope.runAt !== undefined) {
    entries.push({ at: created, event: 'scheduled', detail: `for ${new Date(envelope.runAt).toISOString()}` })
  }
  const records = ATTEMPT_FIELDS.flatMap((field) => readLine<AttemptRecord>(fields[field]) ?? []).sort(
    (a, b) => a.n - b.n,
  )
  // A fetch that Redis answered late, because it hung or the job was not added yet, bears the time of its asking.
  let free = created
  for (const record of records) {
    const start = Math.max(record.start, free)
    free = Math.max(record.end, start)
    entries.push(...attemptEntries({ ...record, start, end: free }))
  }
  for (const event of (fields.ev ?? '').split('\n').flatMap((line) => readLine<CallerEvent>(line) ?? [])) {
    const ended = records.find((record) => record.n === event.attempt)
    entries.push(ended ? { ...event, detail: ended.reason } : event)
  }

  const attempt = Number(fields.ats) || 0
  if (fields.processedOn && !records.some((record) => record.n === attempt)) {
    entries.push({
      at: Math.max(Number(fields.processedOn), free),
      event: 'started',
      attempt,
      detail: workerDetail(fields.pb),
    })
  }
  const last = records.find((record) => record.n === attempt)
  // That it timed out is told already: by the record of its last attempt, or by who found it waiting past its deadline.
  const isTold = status === 'timed_out' && entries.some(({ event }) => event === 'timed_out')
  if (fields.finishedOn && !isTold) {
    const detail = status === 'cancelled' ? cancelReason(fields.returnvalue) : last?.reason
    entries.push({
      at: Number(fields.finishedOn),
      event: status as TimelineEvent,
      ...(attempt > 0 && { attempt }),
      detail,
    })
  }
  return entries
    .filter(({ at }) => !Number.isNaN(new Date(at).valueOf()))
    .sort((a, b) => a.at - b.at || turnOf(a) - turnOf(b))
    .map(toEntry)
}

/** Orders what happened in the same millisecond: attempts by number, what callers did between them. Else as told above. */
const turnOf = ({ attempt = 0, after }: Entry): number => (after === undefined ? attempt : after + 0.5)

function attemptEntries({ n, worker, start, end, outcome, error, reason, nextAt }: AttemptRecord): Entry[] {
  const cause = error && `${error.name}: ${error.message}`
  const started: Entry = { at: start, event: 'started', attempt: n, detail: workerDetail(worker) }
  const retry: Entry[] = nextAt === undefined ? [] : [{ at: end, event: 'retry_scheduled', attempt: n, detail: reason }]
  switch (outcome) {
    case 'failed':
      return [started, { at: end, event: 'attempt_failed', attempt: n, detail: cause }, ...retry]
    case 'timed_out':
      return [started, { at: end, event: 'timed_out', attempt: n, detail: cause }, ...retry]
    case 'snoozed':
      return [started, { at: end, event: 'snoozed', attempt: n, detail: reason }]
    case 'handed_back':
      return [started, { at: end, event: 'handed_back', attempt: n, detail: reason }]
    case 'lost':
      return [started, { at: end, event: 'worker_lost', attempt: n, detail: `worker ${worker} stopped answering` }]
    default:
      return []
  }
}

/** What a cancelled job keeps as its return value. */
export interface Cancellation {
  /** `how` the handler took it, if one ran. */
  cancelled: { by: string; reason: string; how?: StopManner }
}

export const cancellation = ({ by, reason, how }: Cancellation['cancelled']): string =>
  JSON.stringify({ cancelled: { by, reason, ...(how && { how }) } } satisfies Cancellation)

function cancelReason(returnvalue: string | undefined): string | undefined {
  const { reason, how } = readLine<Cancellation>(returnvalue)?.cancelled ?? {}
  return how === undefined ? reason : `${reason}; ${STOP_MANNERS[how]}`
}

const workerDetail = (worker: string | undefined): string | undefined => (worker ? `by worker ${worker}` : undefined)

const toEntry = ({ at, event, attempt, detail }: Entry): TimelineEntry => ({
  at: new Date(at).toISOString(),
  event,
  ...(attempt !== undefined && { attempt }),
  ...(detail !== undefined && { detail }),
})

/** Undefined for what was broken by hand: the rest of the timeline is still worth showing. */
function readLine<T extends object>(json: string | undefined): T | undefined {
  if (!json) return undefined
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null ? (value as T) : undefined
  } catch {
    return undefined
  }
}
