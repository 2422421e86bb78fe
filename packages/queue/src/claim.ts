import { type Envelope, NO_ENVELOPE } from './envelope.ts'

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
  readonly priority: number
  /** ms since 1970 */
  readonly createdAt: number
  readonly startedAt: number
  /** When it could first run: its `runAt`, or when it was made. */
  readonly scheduledFor: number
  /** Why the stored job cannot be read. Its handler must not see it. */
  readonly unreadable: string | undefined
}

/** Fields of the hash whose JSON BullMQ parses at claim. Broken text in one of them would throw inside its fetch. */
const PARSED_BY_BULLMQ = ['opts', 'data', 'progress', 'parent'] as const

/**
 * Reads a claimed job from the flat reply of BullMQ's fetch, and makes that reply safe to parse: what is broken is
 * replaced in it and named in `unreadable`. BullMQ by itself would fail the fetch, recover the job and fail again,
 * for ever.
 */
export function toClaim(queue: string, id: string, flat: string[]): Claim {
  const fields: Record<string, string> = {}
  for (let i = 0; i < flat.length; i += 2) fields[flat[i] as string] = flat[i + 1] as string

  const problems: string[] = []
  const parsed: Record<string, unknown> = {}
  for (const name of PARSED_BY_BULLMQ) {
    const text = fields[name]
    if (text === undefined) continue
    try {
      parsed[name] = JSON.parse(text)
    } catch (error) {
      problems.push(`its ${name} is no JSON: ${(error as Error).message}`)
      replaceField(flat, name, '{}')
    }
  }
  if (fields.name === undefined) problems.push('its hash has no name')
  if (fields.data === undefined) problems.push('its hash has no data')
  // BullMQ parses the input a second time for its own Job, which nobody looks at.
  else replaceField(flat, 'data', '0')

  const envelope = readEnvelope(fields.env, problems)
  const options = (parsed.opts ?? {}) as { attempts?: unknown }
  const createdAt = Number(fields.timestamp) || 0
  return {
    id,
    queue,
    type: fields.name ?? '',
    input: parsed.data,
    envelope,
    worker: fields.pb ?? '',
    attempt: Number(fields.ats),
    attemptsUsed: Number(fields.atm ?? 0) || 0,
    maxAttempts: typeof options.attempts === 'number' ? options.attempts : 1,
    priority: Number(fields.priority ?? 0) || 0,
    createdAt,
    startedAt: Number(fields.processedOn),
    scheduledFor: envelope.runAt ?? createdAt,
    unreadable: problems.length > 0 ? problems.join('; ') : undefined,
  }
}

function readEnvelope(text: string | undefined, problems: string[]): Envelope {
  // A job added by plain BullMQ has none, and is welcome.
  if (text === undefined) return NO_ENVELOPE
  try {
    return JSON.parse(text) as Envelope
  } catch (error) {
    problems.push(`its envelope is no JSON: ${(error as Error).message}`)
    return NO_ENVELOPE
  }
}

function replaceField(flat: string[], name: string, value: string): void {
  for (let i = 0; i < flat.length; i += 2) if (flat[i] === name) flat[i + 1] = value
}
