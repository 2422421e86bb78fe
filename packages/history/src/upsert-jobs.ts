import { FoliotError } from '@foliot/jobs'
import { sql } from 'kysely'
import type { Database } from './database.ts'
import type { FinishedAttempt } from './finished-job.ts'
import type { JobRow } from './job-row.ts'
import { storedText, storedTextOrNull } from './stored-text.ts'
import { textArray } from './text-array.ts'

export interface Prepared {
  row: JobRow
  /** Whole: that of the row may be cut. */
  queue: string
  attempts: readonly FinishedAttempt[]
}

type TextColumn = { [K in keyof JobRow]: JobRow[K] extends string | null ? K : never }[keyof JobRow]

/**
 * Writes jobs and attempts that are new, or newer than what is there. One statement, and so one transaction: a fourth of
 * the round trips. Each column goes as one array, in which no id may stand twice.
 *
 * @returns how many jobs were written.
 */
export async function upsert(db: Database, batch: readonly Prepared[]): Promise<number> {
  const column = <K extends keyof JobRow>(name: K): JobRow[K][] => batch.map(({ row }) => row[name])
  const texts = (name: TextColumn): Buffer => textArray(column(name))
  const attempts = batch.flatMap(({ row, attempts: ended }) =>
    ended.map((attempt) => ({ ...attempt, id: row.id, createdAt: row.createdAt })),
  )
  const { rows } = await sql<{ written: number }>`
    with recorded as (
      insert into foliot.jobs as kept (
        id, day, created_at, tenant, queue, type, status, attempt, moves, finished_at, discarded_at, duration_ms,
        error_name, error_kind, error_message, fingerprint, schedule_id, trace_id, document, log, tags, input_search, words
      )
      select id, (created_at at time zone 'UTC')::date, created_at, tenant, queue, type, status, attempt, moves,
        finished_at, discarded_at, duration_ms, error_name, error_kind, error_message, fingerprint, schedule_id, trace_id,
        document, log, tags::text[], input_search::jsonb, array_to_tsvector(string_to_array(words, ' '))
      from unnest(
        ${column('id')}::uuid[], ${column('createdAt')}::timestamptz[], ${texts('tenant')}::text[],
        ${texts('queue')}::text[], ${texts('type')}::text[], ${texts('status')}::text[],
        ${column('attempt')}::integer[], ${column('moves')}::integer[], ${column('finishedAt')}::timestamptz[],
        ${column('discardedAt')}::timestamptz[], ${column('durationMs')}::bigint[], ${texts('errorName')}::text[],
        ${texts('errorKind')}::text[], ${texts('errorMessage')}::text[], ${texts('fingerprint')}::text[],
        ${texts('scheduleId')}::text[], ${texts('traceId')}::text[], ${texts('document')}::text[],
        ${texts('log')}::text[], ${texts('tags')}::text[], ${texts('inputSearch')}::text[],
        ${texts('words')}::text[]
      ) as sent (
        id, created_at, tenant, queue, type, status, attempt, moves, finished_at, discarded_at, duration_ms, error_name,
        error_kind, error_message, fingerprint, schedule_id, trace_id, document, log, tags, input_search, words
      )
      on conflict (id, day) do update set
        tenant = excluded.tenant, queue = excluded.queue, type = excluded.type, status = excluded.status,
        attempt = excluded.attempt, moves = excluded.moves, finished_at = excluded.finished_at,
        discarded_at = excluded.discarded_at, duration_ms = excluded.duration_ms, error_name = excluded.error_name,
        error_kind = excluded.error_kind, error_message = excluded.error_message, fingerprint = excluded.fingerprint,
        schedule_id = excluded.schedule_id, trace_id = excluded.trace_id, document = excluded.document,
        log = excluded.log, tags = excluded.tags, input_search = excluded.input_search, words = excluded.words
      where (kept.attempt, kept.moves, kept.finished_at) < (excluded.attempt, excluded.moves, excluded.finished_at)
      returning 1
    ), tried as (
      insert into foliot.attempts (
        job_id, day, attempt, worker, started_at, ended_at, outcome, error_name, error_kind, error_message, reason
      )
      select job_id, (created_at at time zone 'UTC')::date, attempt, worker, to_timestamp(started_at / 1000.0),
        to_timestamp(ended_at / 1000.0), outcome, error_name, error_kind, error_message, reason
      from unnest(
        ${attempts.map(({ id }) => id)}::uuid[], ${attempts.map(({ createdAt }) => createdAt)}::timestamptz[],
        ${attempts.map(({ attempt }) => attempt)}::integer[],
        ${textArray(attempts.map(({ worker }) => storedText(worker)))}::text[],
        ${attempts.map(({ startedAt }) => startedAt)}::bigint[], ${attempts.map(({ endedAt }) => endedAt)}::bigint[],
        ${textArray(attempts.map(({ outcome }) => outcome))}::text[],
        ${textArray(attempts.map(({ error }) => storedTextOrNull(error?.name)))}::text[],
        ${textArray(attempts.map(({ error }) => storedTextOrNull(error?.kind)))}::text[],
        ${textArray(attempts.map(({ error }) => storedTextOrNull(error?.message)))}::text[],
        ${textArray(attempts.map(({ reason }) => storedTextOrNull(reason)))}::text[]
      ) as sent (
        job_id, created_at, attempt, worker, started_at, ended_at, outcome, error_name, error_kind, error_message, reason
      )
      -- An attempt that has ended stays as it ended.
      on conflict (job_id, attempt, day) do nothing
    )
    select count(*) as written from recorded`.execute(db)
  const written = rows[0]?.written
  if (written === undefined) throw new FoliotError('internal', 'expected the count of the jobs recorded, got no row')
  return written
}
