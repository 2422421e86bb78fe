import { BROKEN_ENVELOPE, type Envelope, NO_ENVELOPE, parseEnvelope } from '../enqueue/envelope.ts'
import { type CancelRequest, parseCancelRequest } from './cancel-request.ts'
import { readSteps } from './step-fields.ts'

/** One attempt's hold on a job: what the job is, and the proof by which its writes are accepted. */
export interface Claim {
  readonly id: string
  readonly queue: string
  readonly type: string
  readonly input: unknown
  readonly envelope: Envelope
  /** Name of the worker that holds it. */
  readonly worker: string
  /** Number of this start; the fence. */
  readonly attempt: number
  /** Failures, timeouts and deaths before this attempt, since the last redrive. */
  readonly attemptsUsed: number
  readonly maxAttempts: number
  /** How often workers that have no handler for it have passed it on, since it was last put off for something else. */
  readonly passes: number
  readonly priority: number
  /** ms since 1970 */
  readonly createdAt: number
  readonly startedAt: number
  /** When it could first run: its `runAt`, or when it was made. */
  readonly scheduledFor: number
  /** Why the stored job cannot be read. Its handler must not see it. */
  readonly unreadable: string | undefined
  /** Somebody no longer wants the job. Its handler must not be called. */
  readonly cancelRequest: CancelRequest | undefined
  /** Results of steps that earlier attempts have done, as JSON text by name. */
  readonly steps: ReadonlyMap<string, string>
}

/** A claim with what only this package has to know of it. */
export interface HeldClaim extends Claim {
  /** How often the job was found without a lock, as text. Nobody else has had it since if this and `attempt` stand. */
  readonly stalls: string
  /** Whether something outlives the job that `note-end.lua` has to tell of its end. */
  readonly outlived: boolean
  /** By when it has to be started, as its hash has it, if no claim was started in time yet: `startInTime` is to be asked. */
  readonly startBy: string | undefined
}

/** Fields of the hash whose JSON BullMQ parses at claim. Broken text in one of them would throw inside its fetch. */
const PARSED_BY_BULLMQ = ['opts', 'data', 'progress', 'parent'] as const

/** Of these, what has to be an object. */
const OBJECTS: ReadonlySet<string> = new Set(['opts', 'parent'])

/** Fields of the hash that a later script of BullMQ counts up, and stumbles over if they hold anything else. */
const COUNTERS = ['atm', 'stc'] as const

/**
 * Reads a claimed job from the flat reply of BullMQ's fetch, and makes that reply safe to parse: what is broken is
 * replaced in it and named in `unreadable`. BullMQ by itself would fail the fetch, recover the job and fail again,
 * for ever.
 */
export function toClaim(queue: string, id: string, flat: string[]): HeldClaim {
  const fields: Record<string, string> = {}
  for (let i = 0; i < flat.length; i += 2) fields[flat[i] as string] = flat[i + 1] as string

  const problems: string[] = []
  const parsed: Record<string, unknown> = {}
  for (const name of PARSED_BY_BULLMQ) {
    const text = fields[name]
    if (text === undefined) continue
    try {
      parsed[name] = JSON.parse(text)
      if (OBJECTS.has(name) && !isObject(parsed[name])) throw new TypeError('it is no object')
    } catch (error) {
      problems.push(`its ${name} cannot be parsed: ${(error as Error).message}`)
      replaceField(flat, name, '{}')
    }
  }
  if (fields.name === undefined) problems.push('its hash has no name')
  if (fields.data === undefined) problems.push('its hash has no data')
  // BullMQ parses the input a second time for its own Job, which nobody looks at.
  else replaceField(flat, 'data', '0')

  for (const name of COUNTERS) {
    if (!/^-?\d+$/.test(fields[name] ?? '0')) problems.push(`its ${name} is no number`)
  }

  const envelope = readEnvelope(fields, problems)
  const options = isObject(parsed.opts) ? parsed.opts : {}
  const createdAt = Number(fields.timestamp) || 0
  const attempt = Number(fields.ats)
  return {
    id,
    queue,
    type: fields.name ?? '',
    input: parsed.data,
    envelope,
    worker: fields.pb ?? '',
    attempt,
    attemptsUsed: Number(fields.atm ?? 0) || 0,
    maxAttempts: maxAttemptsOf(options),
    passes: Number(fields.ps) || 0,
    priority: Number(fields.priority ?? 0) || 0,
    createdAt,
    startedAt: Number(fields.processedOn),
    scheduledFor: envelope.schedule?.scheduledFor ?? envelope.runAt ?? createdAt,
    unreadable: problems.length > 0 ? problems.join('; ') : undefined,
    stalls: fields.stc ?? '0',
    outlived: [fields.ik, fields.deid, fields.dl, fields.tq, fields.sb, fields.sj].some((field) => field !== undefined),
    startBy: fields.sb,
    cancelRequest: parseCancelRequest(fields.cx),
    steps: readSteps(fields),
  }
}

/** Plain BullMQ stores 0, or nothing, for a job that is not retried. */
export const maxAttemptsOf = ({ attempts }: { attempts?: unknown }): number =>
  typeof attempts === 'number' ? Math.max(1, attempts) : 1

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function readEnvelope({ env, dl }: Record<string, string>, problems: string[]): Envelope {
  // A job added by plain BullMQ has none, and is welcome.
  if (env === undefined) return NO_ENVELOPE
  try {
    return parseEnvelope(env, dl)
  } catch (error) {
    problems.push(`its envelope cannot be parsed: ${(error as Error).message}`)
    return BROKEN_ENVELOPE
  }
}

function replaceField(flat: string[], name: string, value: string): void {
  for (let i = 0; i < flat.length; i += 2) if (flat[i] === name) flat[i + 1] = value
}
