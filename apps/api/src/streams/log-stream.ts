import { setTimeout as sleep } from 'node:timers/promises'
import { FoliotError, isTerminal } from '@foliot/jobs'
import type { LogPart } from '@foliot/queue'
import type { JobLog } from '../job-logs.ts'
import type { EventStream, ServerEvent } from './event-stream.ts'

/** How often the log of a job that goes on is looked at: a line costs Redis nothing more because somebody may read it. */
const LOOK_EVERY_MS = 250

/** How many lines are sent at once. What waits for a slow reader is as much. */
export const LINES_AT_ONCE = 50

/**
 * Sends the lines of a job's log as they come, each under its number, until the job has ended and all are sent. The first part
 * has been read by whoever opened the stream.
 */
export async function streamLog(stream: EventStream, log: JobLog, after: number, first: LogPart): Promise<void> {
  let at = after
  for (let part = first; ; part = await log.read(at, LINES_AT_ONCE)) {
    assertGrown(part, at)
    await stream.send(toEvents(part, at))
    at = part.after + part.lines.length
    if (at === part.last) {
      if (part.ended && (await sendEnd(stream, log))) return
      // Rejects if the reader goes meanwhile.
      await sleep(LOOK_EVERY_MS, undefined, { signal: stream.gone }).catch(() => undefined)
    }
    if (stream.gone.aborted) return
  }
}

/** False if somebody has redriven the job. */
async function sendEnd(stream: EventStream, log: JobLog): Promise<boolean> {
  const status = await log.status()
  if (!isTerminal(status)) return false
  await stream.send([{ event: 'end', data: JSON.stringify({ status }) }])
  return true
}

function toEvents({ after, lines }: LogPart, at: number): ServerEvent[] {
  const events: ServerEvent[] = lines.map((data, i) => ({ id: String(after + i + 1), data }))
  if (after === at) return events
  return [{ id: String(after), event: 'cut', data: JSON.stringify({ lines: after - at }) }, ...events]
}

/** A Redis that went down may have lost the last second: other lines come under numbers that were sent. */
function assertGrown({ last }: LogPart, at: number): void {
  if (last >= at) return
  throw new FoliotError('conflict', `expected a log of at least ${at} lines, as many were sent; it has ${last}`, {
    hint: 'Redis has lost some: read the log from its start, without Last-Event-ID',
  })
}
