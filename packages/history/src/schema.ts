import type { JobStatus } from '@foliot/jobs'
import type { ColumnType } from 'kysely'

/**
 * The tables as queries see them, all in the schema `foliot`. Times are read as ms since 1970 and written as RFC 3339;
 * days are `YYYY-MM-DD` in UTC. What each column means stands in the migration that makes it.
 */
export interface Schema {
  'foliot.jobs': JobsTable
  'foliot.attempts': AttemptsTable
  'foliot.api_keys': ApiKeysTable
  'foliot.access_revision': RevisionTable
  'foliot.schedules_revision': RevisionTable
}

type Time = ColumnType<number, string, string>

interface JobsTable {
  id: string
  day: string
  created_at: Time
  tenant: string
  queue: string
  type: string
  status: JobStatus
  attempt: number
  moves: number
  finished_at: Time
  discarded_at: ColumnType<number | null, string | null, string | null>
  duration_ms: number | null
  error_name: string | null
  error_kind: string | null
  error_message: string | null
  fingerprint: string | null
  schedule_id: string | null
  trace_id: string
  document: string
  log: string | null
  tags: string[]
  input_search: unknown
  words: string | null
}

interface ApiKeysTable {
  id: string
}

interface RevisionTable {
  revision: number
}

interface AttemptsTable {
  job_id: string
  day: string
  attempt: number
  worker: string
  started_at: Time
  ended_at: Time
  outcome: string
  error_name: string | null
  error_kind: string | null
  error_message: string | null
  reason: string | null
}
