import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { invalid } from './problem.ts'

/**
 * The text of a header that may come once; undefined if it is not there. Node reads headers byte by byte; what was sent
 * in UTF-8 is the same text as in a body.
 *
 * @param name in lower case.
 * @throws FoliotError `validation_failed` if it came more than once: Node joins them to a text that nobody sent.
 */
export function headerText(request: IncomingMessage, name: string): string | undefined {
  const header = request.headers[name]
  if (typeof header !== 'string') return undefined
  const times = header.includes(', ') ? (request.headersDistinct[name]?.length ?? 1) : 1
  if (times > 1) {
    throw invalid('the headers are not as expected', [
      { path: `/${name}`, message: `expected the header once, got it ${times} times` },
    ])
  }
  const bytes = Buffer.from(header, 'latin1')
  return isUtf8(bytes) ? bytes.toString() : header
}
