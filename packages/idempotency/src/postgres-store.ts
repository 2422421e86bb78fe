import { checkRunKey, resolveBegin, resolveRetention, toJson } from './checks.ts'
import { runKey } from './keys.ts'
import { RUN_ONCE_DEFAULTS } from './limits.ts'
import { refusal } from './refusal.ts'
import type { RunKey, RunOnceStore, RunRecord } from './run-once-store.ts'
import { BEGIN, CREATE, END, FORGET, GET, READ } from './statements.ts'

/** What is used of a pool of `pg`, or of one connection that is in no transaction. */
export interface PostgresQueries {
  query(statement: string, values?: unknown[]): Promise<{ rows: unknown[] }>
}

/** After so many beginnings a store deletes runs that are forgotten, and how many of them at most. */
const FORGET_EVERY = 100

/**
 * Makes the table `foliot_run_once` in the first schema of the search path, if it is not there. To be called before the
 * first use, by whoever may make tables; any number may do so at once.
 */
export async function createRunOnceTable(pool: PostgresQueries): Promise<void> {
  await pool.query(CREATE)
}

/**
 * A run-once store in PostgreSQL 13 or later, in the table that `createRunOnceTable` makes. The pool stays the caller's:
 * how long a statement waits, and with which error it then fails, is the pool's affair.
 */
export function postgresRunOnceStore(pool: PostgresQueries): RunOnceStore {
  let begun = 0

  async function one(statement: string, run: RunKey, ...values: unknown[]): Promise<Row | undefined> {
    const { rows } = await pool.query(statement, [runKey(run), ...values])
    return rows[0] as Row | undefined
  }

  async function finish(
    run: RunKey,
    token: number,
    ...end: [status: string, json: string, retryable: boolean, ms: number]
  ) {
    checkRunKey(run)
    // No other number is a token, nor one that PostgreSQL could read.
    const sent = Number.isSafeInteger(token) ? token : 0
    if (await one(END, run, sent, ...end)) return
    const row = await one(READ, run)
    throw refusal(row && { ...row, token: Number(row.token) }, token)
  }

  return {
    async begin(run, options) {
      checkRunKey(run)
      const { owner, leaseMs } = resolveBegin(options)
      if (++begun % FORGET_EVERY === 0) await pool.query(FORGET, [FORGET_EVERY * 10])
      for (;;) {
        const started = await one(BEGIN, run, owner, leaseMs, RUN_ONCE_DEFAULTS.retentionMs)
        if (started) {
          return { status: 'started', token: Number(started.token), leaseEndsAt: Number(started.lease_ends_at) }
        }
        // What stood in the way may have gone in between; then it is ours to begin.
        const row = await one(GET, run)
        if (row) return toRecord(row)
      }
    },

    async get(run) {
      checkRunKey(run)
      const row = await one(GET, run)
      return row && toRecord(row)
    },

    complete: async (run, token, result, options = {}) =>
      finish(run, token, 'completed', toJson('result', result), false, resolveRetention(options)),

    fail: async (run, token, error, { retryable = true, ...options } = {}) =>
      finish(run, token, 'failed', toJson('error', error), retryable, resolveRetention(options)),
  }
}

/** Numbers are text, unless the pool has parsers of its own. */
interface Row {
  status: 'in_progress' | 'completed' | 'failed'
  owner: string
  token: string | number
  started_at: string | number
  lease_ends_at: string | number
  finished_at: string | number | null
  retryable: boolean | null
  json: string | null
  now: string | number
}

function toRecord(row: Row): RunRecord {
  const { status, owner } = row
  const run = { owner, startedAt: Number(row.started_at) }
  const value: unknown = JSON.parse(row.json ?? 'null')
  if (status === 'completed') return { status, ...run, finishedAt: Number(row.finished_at), result: value }
  if (status === 'failed') {
    return { status, ...run, finishedAt: Number(row.finished_at), retryable: row.retryable === true, error: value }
  }
  const ends = Number(row.lease_ends_at)
  return { status, ...run, leaseEndsAt: ends, retryAfterMs: ends - Number(row.now) }
}
