import { type Database, keepPartitions, recordJobs } from '@foliot/history'
import { sql } from 'kysely'
import type { Archive } from './archive.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const BATCH = 500
/** Batches under way: while PostgreSQL writes one, the next is made. */
const IN_FLIGHT = 2

/** Has PostgreSQL hold an archive, as it would be some time after all of it was recorded. @returns jobs a second */
export async function fillArchive(db: Database, archive: Archive, signal: AbortSignal): Promise<number> {
  const { from, to, jobs } = archive.options
  await keepPartitions(db, from, { daysAhead: Math.ceil((to - from) / DAY_MS) + 1 })
  const startedAt = performance.now()
  const batches = archive.batches(BATCH)
  const lane = async (): Promise<void> => {
    for (const batch of batches) {
      signal.throwIfAborted()
      const { written, refused } = await recordJobs(db, batch)
      if (written === batch.length) continue
      throw new Error(`expected ${batch.length} jobs to be new, got ${written}; refused: ${JSON.stringify(refused[0])}`)
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
  const seconds = (performance.now() - startedAt) / 1000
  // What recorder and autovacuum have done by the time that somebody looks for last week's jobs.
  await keepPartitions(db, to)
  await sql`vacuum (analyze) foliot.jobs, foliot.attempts`.execute(db)
  return jobs / seconds
}
