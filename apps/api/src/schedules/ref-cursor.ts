import { isTenantName } from '@foliot/access'
import { isScheduleId } from '@foliot/jobs'
import { digestOf, wrongCursor } from '../list-cursor.ts'

/** How far a list of what is named within tenants has come, and which list that is. */

interface Ref {
  tenant: string
  /** Of a calendar, its name. */
  id: string
}

const write = (digest: string, { tenant, id }: Ref): string =>
  Buffer.from(JSON.stringify([digest, tenant, id])).toString('base64url')

/** What `nextCursor` is for a list with this query. */
export const writeRefCursor = (query: object, last: Ref | undefined): string | null =>
  last === undefined ? null : write(digestOf(query), last)

/**
 * Behind what a list with this query goes on.
 *
 * @throws FoliotError `validation_failed` for a cursor that no list with this query gave.
 */
export function readRefCursor(query: { cursor?: string | undefined }): Ref | undefined {
  if (query.cursor === undefined) return undefined
  const ref = parse(query.cursor)
  // Lenient readers take one cursor in many spellings: ours is this one text.
  if (ref && write(digestOf(query), ref) === query.cursor) return ref
  throw wrongCursor()
}

function parse(cursor: string): Ref | undefined {
  try {
    const [, tenant, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[]
    const isOne = typeof tenant === 'string' && isTenantName(tenant) && typeof id === 'string' && isScheduleId(id)
    return isOne ? { tenant, id } : undefined
  } catch {
    return undefined
  }
}
