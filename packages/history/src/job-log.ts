import { earlierLinesNote } from '@foliot/jobs'
import { storedText } from './stored-text.ts'

/** How much of one job's log is kept, in characters. */
const LOG_LENGTH = 256 * 1024

/**
 * The last lines of a log as JSON. If some were left out, the first line says how many.
 *
 * @param linesWritten how many lines the job has written: those before `lines` are left out already
 */
export function storedLog(lines: readonly string[], linesWritten = lines.length): string {
  let length = 0
  let first = lines.length
  while (first > 0) {
    length += (lines[first - 1] as string).length
    if (length > LOG_LENGTH) break
    first--
  }
  const kept = lines.slice(first)
  const leftOut = linesWritten - kept.length
  return storedText(JSON.stringify(leftOut > 0 ? [earlierLinesNote(leftOut), ...kept] : kept))
}
