import type { Database } from './database.ts'
import type { FinishedJob } from './finished-job.ts'
import { type JobRow, toRow } from './job-row.ts'
import { type Prepared, upsert } from './upsert-jobs.ts'

/** A job that history cannot keep, whatever is done, and why. */
export interface RefusedJob {
  id: string
  queue: string
  reason: string
}

export interface RecordResult {
  /** How many jobs were new, or newer than what was there. */
  written: number
  /** All others of the batch are kept. */
  refused: RefusedJob[]
}

/**
 * Keeps jobs that have ended, together with their attempts. Doing it again changes nothing, and of two states of a job the
 * later one stays, in whatever order they come. A batch is one transaction, unless it is of more than 2 Mi characters or
 * holds a job that is refused: then it is kept in several.
 *
 * @param jobs of any queues, in any order; some hundred at a time are fastest. Each may be made when it is asked for: of what
 * it holds only the row is kept until all are written.
 * @throws what `databaseTroubleOf` knows: then nothing is known of the batch, which may be recorded again.
 */
export async function recordJobs(db: Database, jobs: Iterable<FinishedJob>): Promise<RecordResult> {
  const refused: RefusedJob[] = []
  const latest = new Map<string, Prepared>()
  for (const finished of jobs) {
    try {
      const row = toRow(finished)
      const other = latest.get(row.id)
      if (other !== undefined && !isLater(row, other.row)) continue
      latest.set(row.id, { row, queue: finished.job.queue, attempts: finished.attempts })
    } catch (error) {
      refused.push(refusalOf(finished.job, error))
    }
  }
  // In one order, so that two recorders of the same jobs wait for each other instead of for ever.
  const sorted = [...latest.values()].sort((a, b) => (a.row.id < b.row.id ? -1 : 1))
  let written = 0
  for (const portion of portionsOf(sorted)) written += await write(db, portion, refused)
  return { written, refused }
}

/** How much text goes in one statement, in characters: the largest jobs may not make it run into its time limit. */
const PORTION_LENGTH = 2 * 1024 * 1024

function portionsOf(batch: readonly Prepared[]): Prepared[][] {
  const portions: Prepared[][] = []
  let length = Number.POSITIVE_INFINITY
  for (const prepared of batch) {
    const { document, log } = prepared.row
    length += document.length + (log?.length ?? 0)
    if (length > PORTION_LENGTH) {
      portions.push([])
      length = document.length + (log?.length ?? 0)
    }
    portions.at(-1)?.push(prepared)
  }
  return portions
}

function isLater(row: JobRow, other: JobRow): boolean {
  if (row.attempt !== other.attempt) return row.attempt > other.attempt
  if (row.moves !== other.moves) return row.moves > other.moves
  return row.finishedAt > other.finishedAt
}

const refusalOf = ({ id, queue }: Pick<RefusedJob, 'id' | 'queue'>, error: unknown): RefusedJob => ({
  id,
  queue,
  reason: error instanceof Error ? error.message : String(error),
})

/** Halves what cannot be written until the job is found that is to blame. */
async function write(db: Database, batch: readonly Prepared[], refused: RefusedJob[]): Promise<number> {
  if (batch.length === 0) return 0
  try {
    return await upsert(db, batch)
  } catch (error) {
    if (!isOfTheData(error)) throw error
  }
  if (batch.length === 1) return writeAlone(db, batch[0] as Prepared, refused)
  const middle = Math.ceil(batch.length / 2)
  return (await write(db, batch.slice(0, middle), refused)) + (await write(db, batch.slice(middle), refused))
}

/** The second try of a job: the first also fails if the partition of its day was made under it. */
async function writeAlone(db: Database, job: Prepared, refused: RefusedJob[]): Promise<number> {
  try {
    return await upsert(db, [job])
  } catch (error) {
    if (!isOfTheData(error)) throw error
    refused.push(refusalOf({ id: job.row.id, queue: job.queue }, error))
    return 0
  }
}

/** Whether PostgreSQL took the statement, but not what was to be written: classes 22 and 23, or beyond a limit (54). */
function isOfTheData(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' && /^(?:22|23|54)/.test(code)
}
