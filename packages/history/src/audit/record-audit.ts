import type { AuditBegin, AuditEnd, AuditTarget } from '@foliot/jobs'
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { writeOrRefuse } from '../refused.ts'
import { storedText, storedTextOrNull } from '../stored-text.ts'
import { textArray } from '../text-array.ts'

/** An entry, and its outcome if it is known. */
export interface AuditRecord {
  id: string
  /** When the entry was written: ms since 1970. */
  at: number
  begin: AuditBegin
  end: AuditEnd | undefined
}

/** An entry that the history cannot keep, whatever is done, and why. */
export interface RefusedAudit {
  id: string
  reason: string
}

/**
 * Keeps entries. Doing it again changes nothing; an outcome is added to an entry that had none, and nothing else is ever
 * changed, also not when it was written.
 *
 * @param records some hundred, in any order. Of two with one id the last counts.
 * @returns those that are refused; all others are kept.
 * @throws what `databaseTroubleOf` knows: then nothing is known of them, and they may be recorded again.
 */
export async function recordAudit(db: Database, records: readonly AuditRecord[]): Promise<RefusedAudit[]> {
  const refused = await writeOrRefuse(records, (some) => insert(db, some.map(toRow)))
  return refused.map(({ item, reason }) => ({ id: item.id, reason }))
}

type Row = ReturnType<typeof toRow>

const toRow = ({ id, at, begin, end }: AuditRecord) => ({
  id,
  at: new Date(at).toISOString(),
  actorId: storedText(begin.actor.id),
  actorName: storedText(begin.actor.name),
  actorTenant: storedTextOrNull(begin.actor.tenant ?? undefined),
  ip: storedText(begin.ip),
  forwardedFor: storedTextOrNull(begin.forwardedFor ?? undefined),
  userAgent: storedTextOrNull(begin.userAgent ?? undefined),
  action: storedText(begin.action),
  asked: json(begin.asked),
  reason: storedTextOrNull(begin.reason ?? undefined),
  traceId: storedText(begin.traceId),
  ...targetOf(end?.target ?? begin.target),
  ...outcomeOf(end),
})

const targetOf = ({ kind, id, tenant }: AuditTarget) => ({
  targetKind: storedText(kind),
  targetId: storedTextOrNull(id ?? undefined),
  targetTenant: storedTextOrNull(tenant ?? undefined),
})

const outcomeOf = (end: AuditEnd | undefined) => ({
  before: json(end?.before),
  after: json(end?.after),
  status: end?.status ?? null,
  code: end?.code ?? null,
  endedAt: end?.endedAt ?? null,
})

/** JSON text holds no NUL and no half of a surrogate pair: it spells them out. */
const json = (value: unknown): string => JSON.stringify(value ?? null)

/** Each column goes as one array, in which no id may stand twice. */
async function insert(db: Database, all: readonly Row[]): Promise<void> {
  const rows = [...new Map(all.map((row) => [row.id, row])).values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  type Name = Exclude<keyof Row, 'status'>
  const texts = (name: Name): Buffer => textArray(rows.map((row) => row[name]))
  const list = <K extends keyof Row>(name: K): Row[K][] => rows.map((row) => row[name])
  await sql`
    insert into foliot.audit as kept (
      id, at, actor_id, actor_name, actor_tenant, ip, forwarded_for, user_agent, action, target_kind, target_id,
      target_tenant, asked, before, after, reason, status, code, ended_at, trace_id
    )
    select * from unnest(
      ${list('id')}::uuid[], ${list('at')}::timestamptz[], ${texts('actorId')}::text[], ${texts('actorName')}::text[],
      ${texts('actorTenant')}::text[], ${texts('ip')}::text[], ${texts('forwardedFor')}::text[],
      ${texts('userAgent')}::text[], ${texts('action')}::text[], ${texts('targetKind')}::text[],
      ${texts('targetId')}::text[], ${texts('targetTenant')}::text[], ${texts('asked')}::text[],
      ${texts('before')}::text[], ${texts('after')}::text[], ${texts('reason')}::text[], ${list('status')}::integer[],
      ${texts('code')}::text[], ${list('endedAt')}::timestamptz[], ${texts('traceId')}::text[]
    )
    on conflict (id) do update set
      target_kind = excluded.target_kind, target_id = excluded.target_id, target_tenant = excluded.target_tenant,
      before = excluded.before, after = excluded.after, status = excluded.status, code = excluded.code,
      ended_at = excluded.ended_at
    where kept.status is null and excluded.status is not null`.execute(db)
}
