import { digestOf, wrongCursor } from '../list-cursor.ts'

/** How far the list of what is wrong has come, and which list that is. */

/** Where a finding stands, see `listFindings`. */
const PLACE = /^\d{15} [a-z_]+( \S+)?$/

const write = (digest: string, place: string): string =>
  Buffer.from(JSON.stringify([digest, place])).toString('base64url')

/** What `nextCursor` is for a list with this query. */
export const writeFindingCursor = (query: object, last: string | undefined): string | null =>
  last === undefined ? null : write(digestOf(query), last)

/**
 * Behind what a list with this query goes on.
 *
 * @throws FoliotError `validation_failed` for a cursor that no list with this query gave.
 */
export function readFindingCursor(query: { cursor?: string | undefined }): string | undefined {
  if (query.cursor === undefined) return undefined
  const place = parse(query.cursor)
  // Lenient readers take one cursor in many spellings: ours is this one text.
  if (place !== undefined && write(digestOf(query), place) === query.cursor) return place
  throw wrongCursor()
}

function parse(cursor: string): string | undefined {
  try {
    const [, place] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[]
    return typeof place === 'string' && PLACE.test(place) ? place : undefined
  } catch {
    return undefined
  }
}
