import type { Redis } from 'ioredis'
import { jobKey, logsKey } from '../keys.ts'
import { runScript } from '../redis/scripts.ts'
import type { JobRef } from './moves.ts'

/** Some lines of a job's log. Lines are numbered from 1 on, and keep their number when those before them are trimmed. */
export interface LogPart {
  /** Number of the line before the first of `lines`. Greater than what was asked for if those in between are no longer kept. */
  after: number
  /** Oldest first. */
  lines: string[]
  /** Number of the last line that the job has written. */
  last: number
  /** Whether the job had ended: more lines come only if it is redriven. */
  ended: boolean
}

/**
 * The lines behind number `after`, up to `most` of them. Undefined if the queue has no such job. One round trip, which is one
 * moment of the job.
 */
export async function readLogAfter(
  redis: Redis,
  { queue, id }: JobRef,
  after: number,
  most: number,
): Promise<LogPart | undefined> {
  const reply = await runScript(redis, 'readLog', [jobKey(queue, id), logsKey(queue, id)], [after, most])
  const [last, ended, from, ...lines] = reply as [number, number, number, ...string[]] | []
  return last === undefined ? undefined : { after: from as number, lines, last, ended: ended === 1 }
}
