import { isUtf8 } from 'node:buffer'
import { FoliotError } from '@foliot/jobs'
import type { Api } from './api.ts'

/** Reads bodies as JSON and nothing else: any other media type is answered with 415. */
export function readJsonBodies(app: Api): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, ({ headers }, body, done) => {
    try {
      assertPlain(headers['content-encoding'])
      done(null, readJson(body as Buffer))
    } catch (error) {
      done(error as Error)
    }
  })
}

function assertPlain(encoding: string | undefined): void {
  if (encoding === undefined || encoding === 'identity') return
  throw new FoliotError('unsupported_media_type', `expected a body without \`Content-Encoding\`, got ${encoding}`)
}

/**
 * The value of a body; undefined if it is empty, since clients announce JSON with requests that have none as well.
 *
 * @throws FoliotError `validation_failed`
 */
function readJson(body: Buffer): unknown {
  if (body.length === 0) return undefined
  // Decoding would put U+FFFD in the place of what it cannot read, and store that.
  if (!isUtf8(body)) throw new FoliotError('validation_failed', 'expected a body in UTF-8, got other bytes')
  const text = body.toString()
  try {
    return JSON.parse(text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text)
  } catch (cause) {
    throw new FoliotError('validation_failed', `expected a body that is JSON: ${(cause as Error).message}`, { cause })
  }
}

const BYTE_ORDER_MARK = 0xfeff
