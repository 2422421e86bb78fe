import { isUtf8 } from 'node:buffer'
import { FoliotError } from '@foliot/jobs'
import type { Api } from './api.ts'
import { findNameTwice } from './names-twice.ts'
import { invalid } from './problem.ts'
import { pointerTo } from './validation.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The JSON that `body` was parsed from, in UTF-8. No object in it has a name twice. */
    bodyBytes: Buffer
  }
}

/** Reads bodies as JSON and nothing else: any other media type is answered with 415. */
export function readJsonBodies(app: Api): void {
  app.removeAllContentTypeParsers()
  app.decorateRequest('bodyBytes', null as unknown as Buffer)
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      assertPlain(request.headers['content-encoding'])
      request.bodyBytes = withoutMark(body as Buffer)
      done(null, readJson(request.bodyBytes))
    } catch (error) {
      done(error as Error)
    }
  })
}

function assertPlain(encoding: string | undefined): void {
  if (encoding === undefined || encoding === 'identity') return
  throw new FoliotError('unsupported_media_type', `expected a body without \`Content-Encoding\`, got ${encoding}`)
}

const BYTE_ORDER_MARK = Buffer.from('\ufeff')

const withoutMark = (body: Buffer): Buffer =>
  body.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK) ? body.subarray(BYTE_ORDER_MARK.length) : body

/**
 * The value of a body; undefined if it is empty, since clients announce JSON with requests that have none as well.
 *
 * @throws FoliotError `validation_failed`
 */
function readJson(body: Buffer): unknown {
  if (body.length === 0) return undefined
  // Decoding would put U+FFFD in the place of what it cannot read, and store that.
  if (!isUtf8(body)) throw new FoliotError('validation_failed', 'expected a body in UTF-8, got other bytes')
  const value = parseJson(body.toString())
  const path = findNameTwice(body, value)
  if (!path) return value
  throw invalid('the body can be read in two ways', [
    { path: pointerTo(path), message: 'expected each name once in an object, got it twice' },
  ])
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new FoliotError('validation_failed', `expected a body that is JSON: ${(cause as Error).message}`, { cause })
  }
}
