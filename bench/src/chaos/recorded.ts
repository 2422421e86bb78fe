import { setTimeout as sleep } from 'node:timers/promises'
import { type Database, openDatabase } from '@foliot/history'
import type { JobStatus } from '@foliot/jobs'
import { sql } from 'kysely'
import type { JobRecord } from './ledger.ts'
import type { Problem } from './verdict.ts'

/** How a job stands in the history. */
export interface RecordedJob {
  id: string
  status: JobStatus
  attempt: number
}

/** How long what ended last may take to be recorded once nothing is done to the processes any more. */
const SETTLE_MS = 60_000
const LOOK_EVERY_MS = 500

/** What the history has of these jobs, when it has all of them or it has had time enough. */
export async function readRecorded(
  url: string,
  records: readonly JobRecord[],
  signal: AbortSignal,
): Promise<RecordedJob[]> {
  const db = openDatabase({ url, poolSize: 1 })
  try {
    const giveUpAt = performance.now() + SETTLE_MS
    for (;;) {
      const rows = await readRows(db)
      if (problemsOfHistory(records, rows).length === 0 || performance.now() > giveUpAt) return rows
      await sleep(LOOK_EVERY_MS, undefined, { signal })
    }
  } finally {
    await db.destroy()
  }
}

async function readRows(db: Database): Promise<RecordedJob[]> {
  const { rows } = await sql<RecordedJob>`select id, status, attempt from foliot.jobs`.execute(db)
  return rows
}

/** Each accepted job has to be in the history once, as it ended. */
export function problemsOfHistory(records: readonly JobRecord[], rows: readonly RecordedJob[]): Problem[] {
  const byId = Map.groupBy(rows, ({ id }) => id)
  return records.flatMap(({ id, job }): Problem[] => {
    const [first, ...more] = byId.get(id) ?? []
    if (!first) return [{ kind: 'unrecorded', id, why: `ended as ${job.status}, and is not in the history` }]
    if (more.length > 0) return [{ kind: 'doubled', id, why: `is in the history ${more.length + 1} times` }]
    if (first.status === job.status && first.attempt === job.attempt) return []
    const [there, here] = [first, job].map(({ status, attempt }) => `${status} (attempt ${attempt})`)
    return [{ kind: 'wrong', id, why: `ended as ${here}, and is in the history as ${there}` }]
  })
}
