import type { Readable } from 'node:stream'
import { LIMITS } from '@foliot/jobs'

/** In characters. */
const LINE_MAX = LIMITS.logLineBytes

/**
 * Reads text line by line. What is beyond the limit of a line is cut as it comes: nobody has to hold a line that never
 * ends.
 */
export function readLines(stream: Readable, onLine: (line: string) => void): void {
  let line = ''
  let length = 0
  const take = (text: string): void => {
    line += text.slice(0, LINE_MAX - line.length)
    length += text.length
  }
  const end = (): void => {
    if (length > 0) onLine(length > LINE_MAX ? `${line}… [cut from ${length} characters]` : line)
    line = ''
    length = 0
  }
  stream.setEncoding('utf8').on('data', (text: string) => {
    const [first = '', ...more] = text.split('\n')
    take(first)
    for (const next of more) {
      end()
      take(next)
    }
  })
  stream.on('end', end).on('error', () => undefined)
}
