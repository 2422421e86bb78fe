import type { ErrorCode } from './errors.ts'

/**
 * What became of a change: it was made (`ok`), refused (4xx), went wrong (5xx), or nobody knows (`unknown`): it has not been
 * answered yet, or the process died before.
 */
export const AUDIT_OUTCOMES = ['ok', 'refused', 'failed', 'unknown'] as const

export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number]

/** A key that changed something. */
export interface AuditActor {
  id: string
  name: string
  /** Whose jobs it sees and moves; null for those of all tenants. */
  tenant: string | null
}

/** What is changed. */
export interface AuditTarget {
  /** `job`, `queue`, … */
  kind: string
  /** Null where there is none yet, or more than one. */
  id: string | null
  /** To whom it belongs; null if that is unknown, or nobody's. */
  tenant: string | null
}

/** What is known of a change before it is made. None of it is secret. */
export interface AuditBegin {
  /** A UUIDv7. */
  id: string
  actor: AuditActor
  /** The address at the other end of the connection. */
  ip: string
  /** What proxies said of the addresses before that, as it came: whoever asks can write there what they like. */
  forwardedFor: string | null
  userAgent: string | null
  /** `<kind>.<verb>`, such as `job.cancel`. */
  action: string
  target: AuditTarget
  /** What was asked for beyond action and target, such as the filter of a redrive. */
  asked: unknown
  reason: string | null
  traceId: string
}

/** What became of it. */
export interface AuditEnd {
  /** Of the HTTP answer. */
  status: number
  /** Of the problem; null if there was none. */
  code: ErrorCode | null
  /** As it is known by now. */
  target: AuditTarget
  before: unknown
  after: unknown
  /** RFC 3339, UTC */
  endedAt: string
}

/** One change, as `GET /v1/audit` shows it. */
export interface AuditEntry extends AuditBegin {
  /** When it was written down, before the change was made: RFC 3339, UTC. */
  at: string
  before: unknown
  after: unknown
  outcome: AuditOutcome
  /** Null as long as the outcome is unknown, as are the next two where there is no problem. */
  status: number | null
  code: ErrorCode | null
  endedAt: string | null
}

/** @param status of the HTTP answer; null if there was none. */
export function auditOutcomeOf(status: number | null): AuditOutcome {
  if (status === null) return 'unknown'
  if (status < 400) return 'ok'
  return status < 500 ? 'refused' : 'failed'
}

/** @param at ms since 1970 */
export function toAuditEntry(begin: AuditBegin, at: number, end: AuditEnd | undefined): AuditEntry {
  return {
    ...begin,
    at: new Date(at).toISOString(),
    target: end?.target ?? begin.target,
    before: end?.before ?? null,
    after: end?.after ?? null,
    outcome: auditOutcomeOf(end?.status ?? null),
    status: end?.status ?? null,
    code: end?.code ?? null,
    endedAt: end?.endedAt ?? null,
  }
}

/** Which entries are meant: those that fit everything that is given. Times are in ms since 1970. */
export interface AuditFilter {
  action?: string | undefined
  /** The id or the name of the key. */
  actor?: string | undefined
  /** The id of the target, or its kind. */
  target?: string | undefined
  /** Those whose actor or whose target belongs to each of them. */
  tenants?: readonly string[]
  outcome?: AuditOutcome | undefined
  /** Begun at or after. */
  from?: number | undefined
  /** Begun before. */
  to?: number | undefined
}

/** Whether an entry is meant. The history asks the same in SQL. */
export function fitsAudit(entry: AuditEntry, filter: AuditFilter): boolean {
  const { action, actor, target, tenants = [], outcome, from, to } = filter
  const at = Date.parse(entry.at)
  return (
    (action === undefined || entry.action === action) &&
    (actor === undefined || entry.actor.id === actor || entry.actor.name === actor) &&
    (target === undefined || entry.target.id === target || entry.target.kind === target) &&
    tenants.every((tenant) => entry.actor.tenant === tenant || entry.target.tenant === tenant) &&
    (outcome === undefined || entry.outcome === outcome) &&
    (from === undefined || at >= from) &&
    (to === undefined || at < to)
  )
}
