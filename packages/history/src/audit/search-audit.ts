import { type AuditEntry, type AuditFilter, auditOutcomeOf, type ErrorCode } from '@foliot/jobs'
import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../database.ts'
import { withinCalendar } from '../days.ts'
import { and } from '../planner.ts'
import type { HistoryPosition } from '../search-jobs.ts'
import { storedText } from '../stored-text.ts'

interface Row {
  id: string
  at: number
  actor_id: string
  actor_name: string
  actor_tenant: string | null
  ip: string
  forwarded_for: string | null
  user_agent: string | null
  action: string
  target_kind: string
  target_id: string | null
  target_tenant: string | null
  asked: string
  before: string
  after: string
  reason: string | null
  status: number | null
  code: ErrorCode | null
  ended_at: number | null
  trace_id: string
}

/**
 * Entries that fit, the newest first, and of one millisecond the greatest id.
 *
 * @param after behind which they begin
 */
export async function searchAudit(
  db: Database,
  filter: AuditFilter,
  limit: number,
  after?: HistoryPosition,
): Promise<AuditEntry[]> {
  const conditions = [
    ...conditionsOf(filter),
    ...(after === undefined ? [] : [sql`(at, id) < (${timeOf(after.createdAt)}::timestamptz, ${after.id}::uuid)`]),
  ]
  const { rows } = await sql<Row>`
    select * from foliot.audit where ${and(conditions)} order by at desc, id desc limit ${limit}`.execute(db)
  return rows.map(toEntry)
}

/** The same as `fitsAudit` asks. */
function conditionsOf(filter: AuditFilter): RawBuilder<unknown>[] {
  const { action, actor, target, tenants = [], outcome, from, to } = filter
  return [
    ...(action === undefined ? [] : [sql`action = ${storedText(action)}`]),
    ...(actor === undefined ? [] : [sql`(actor_id = ${storedText(actor)} or actor_name = ${storedText(actor)})`]),
    ...(target === undefined ? [] : [sql`(target_id = ${storedText(target)} or target_kind = ${storedText(target)})`]),
    ...tenants.map((tenant) => sql`(actor_tenant = ${storedText(tenant)} or target_tenant = ${storedText(tenant)})`),
    ...(outcome === undefined ? [] : [OUTCOMES[outcome]]),
    ...(from === undefined ? [] : [sql`at >= ${timeOf(from)}::timestamptz`]),
    ...(to === undefined ? [] : [sql`at < ${timeOf(to)}::timestamptz`]),
  ]
}

/** As `auditOutcomeOf` says. */
const OUTCOMES = {
  ok: sql`status < 400`,
  refused: sql`status between 400 and 499`,
  failed: sql`status >= 500`,
  unknown: sql`status is null`,
}

const timeOf = (ms: number): string => new Date(withinCalendar(ms)).toISOString()

const toEntry = (row: Row): AuditEntry => ({
  id: row.id,
  at: new Date(row.at).toISOString(),
  actor: { id: row.actor_id, name: row.actor_name, tenant: row.actor_tenant },
  ip: row.ip,
  forwardedFor: row.forwarded_for,
  userAgent: row.user_agent,
  action: row.action,
  target: { kind: row.target_kind, id: row.target_id, tenant: row.target_tenant },
  asked: JSON.parse(row.asked),
  before: JSON.parse(row.before),
  after: JSON.parse(row.after),
  reason: row.reason,
  outcome: auditOutcomeOf(row.status),
  status: row.status,
  code: row.code,
  endedAt: row.ended_at === null ? null : new Date(row.ended_at).toISOString(),
  traceId: row.trace_id,
})
