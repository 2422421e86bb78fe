import { createHash } from 'node:crypto'
import { FoliotError, isJobId } from '@foliot/jobs'
import type { Position } from '@foliot/queue'

/** How far a list has come, and which list that is: a text that callers pass back unchanged. */

/** Tells lists apart. It need not be kept from forgers: a made-up cursor shows nothing that the list would not. */
export function digestOf(query: object): string {
  const parts = Object.entries(query)
    .filter(([name, value]) => name !== 'limit' && name !== 'cursor' && value !== undefined)
    .map(([name, value]) => [name, Array.isArray(value) ? [...new Set(value)].sort() : value])
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 12)
}

const write = (digest: string, { at, id }: Position): string =>
  Buffer.from(JSON.stringify([digest, at, id])).toString('base64url')

/** What `nextCursor` is for a list with this query. */
export const writeCursor = (query: object, next: Position | undefined): string | null =>
  next === undefined ? null : write(digestOf(query), next)

/**
 * Where a list with this query goes on.
 *
 * @throws FoliotError `validation_failed` for a cursor that no list with this query gave.
 */
export function readCursor(query: { cursor?: string | undefined }): Position | undefined {
  if (query.cursor === undefined) return undefined
  const position = parsePosition(query.cursor)
  // Lenient readers take one cursor in many spellings: ours is this one text.
  if (position && write(digestOf(query), position) === query.cursor) return position
  throw wrongCursor()
}

export const wrongCursor = (): FoliotError =>
  new FoliotError('validation_failed', 'expected a cursor that this list gave, got another text', {
    errors: [{ path: '/cursor', message: 'not a cursor of this list' }],
    hint: 'pass `nextCursor` of the page before unchanged, with the same filter',
  })

/** The end of the year 9999: no list goes beyond it. */
const LATEST_MS = Date.UTC(10_000, 0) - 1

function parsePosition(cursor: string): Position | undefined {
  try {
    const [, at, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[]
    const isOne =
      Number.isSafeInteger(at) &&
      (at as number) >= 0 &&
      (at as number) <= LATEST_MS &&
      typeof id === 'string' &&
      isJobId(id)
    return isOne ? { at: at as number, id } : undefined
  } catch {
    return undefined
  }
}
