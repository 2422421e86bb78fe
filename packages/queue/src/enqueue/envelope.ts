import type { Job } from '@foliot/jobs'

/**
 * What Foliot knows of a job beyond BullMQ's own fields. Stored as JSON in the job hash, written once, at enqueue. Only
 * the deadline moves, by a redrive; the one that holds is in a field of its own.
 */
export interface Envelope {
  /** Version of the job type when the job was enqueued. */
  version: number
  tenant: string
  labels: Record<string, string>
  /** W3C trace context of the request that made the job. */
  traceparent: string
  /** Names of fields that logs and the history must not show, if there are any. */
  redact?: readonly string[]
  /** Set if the request overrode the type's `timeoutMs`. */
  timeoutMs?: number
  /** The earliest start in ms since 1970, if the job was delayed. */
  runAt?: number
  /** When the job has to have ended, all attempts and waits included, in ms since 1970. */
  deadlineAt?: number
  /** The schedule that made the job. */
  schedule?: ScheduleOrigin
}

/** Which tick made a job. Instants are in ms since 1970. */
export interface ScheduleOrigin {
  id: string
  /** As it was planned. */
  scheduledFor: number
  /** How long after the tick was due the job was made. Missing where somebody made it by hand. */
  latenessMs?: number
}

/**
 * Reads an envelope as it is stored.
 *
 * @param deadline the field that holds the deadline, if there is one: it stands for the one in the text
 * @throws Error that says what is wrong with it.
 */
export function parseEnvelope(text: string, deadline?: string): Envelope {
  const stored: unknown = JSON.parse(text)
  const value = deadline === undefined ? stored : { ...(stored as Envelope), deadlineAt: Number(deadline) }
  const { version, tenant, labels, traceparent, redact, timeoutMs, runAt, deadlineAt, schedule } = (value ??
    {}) as Partial<Envelope>
  const fits =
    Number.isSafeInteger(version) &&
    typeof tenant === 'string' &&
    typeof labels === 'object' &&
    labels !== null &&
    typeof traceparent === 'string' &&
    (redact === undefined || Array.isArray(redact)) &&
    isTimeOrAbsent(timeoutMs) &&
    isTimeOrAbsent(runAt) &&
    isTimeOrAbsent(deadlineAt) &&
    (schedule === undefined || (typeof schedule?.id === 'string' && isTimeOrAbsent(schedule.scheduledFor)))
  if (!fits) throw new TypeError('a field is missing or of the wrong type')
  return value as Envelope
}

/**
 * Whose job it is, by its envelope as it is stored: the default tenant's without one, and nobody's if that cannot be read, so
 * that keys of all tenants alone see it.
 */
export function tenantOf(env: string | null | undefined): string {
  if (env == null) return NO_ENVELOPE.tenant
  try {
    const { tenant } = (JSON.parse(env) ?? {}) as Partial<Envelope>
    return typeof tenant === 'string' ? tenant : BROKEN_ENVELOPE.tenant
  } catch {
    return BROKEN_ENVELOPE.tenant
  }
}

/** What a job shows of its schedule. */
export function scheduleFields({ schedule }: Envelope): Pick<Job, 'scheduleId' | 'scheduledFor' | 'latenessMs'> {
  if (!schedule) return {}
  const { id, scheduledFor, latenessMs } = schedule
  return {
    scheduleId: id,
    scheduledFor: new Date(scheduledFor).toISOString(),
    ...(latenessMs !== undefined && { latenessMs }),
  }
}

/** The last millisecond that a Date can tell. */
const LATEST_MS = 8.64e15

const isTimeOrAbsent = (ms: unknown): boolean => ms === undefined || (typeof ms === 'number' && ms <= LATEST_MS)

/** For a job whose envelope is missing, for example one that was added by plain BullMQ. */
export const NO_ENVELOPE: Envelope = Object.freeze({
  version: 1,
  tenant: 'default',
  labels: Object.freeze({}),
  traceparent: '00-00000000000000000000000000000000-0000000000000000-00',
})

/** For a job whose envelope cannot be read. No tenant has that name. */
export const BROKEN_ENVELOPE: Envelope = Object.freeze({ ...NO_ENVELOPE, tenant: '?' })
