import { isTenantName } from '@foliot/access'
import { FoliotError } from '@foliot/jobs'

/** How far a list of names has come. It need not be kept from forgers: it says where to go on, nothing else. */

export const writeNameCursor = (name: string): string => Buffer.from(JSON.stringify(name)).toString('base64url')

/** The name behind which a list goes on. @throws FoliotError `validation_failed` for a cursor that no such list gave */
export function readNameCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined
  const name = parse(cursor)
  // Lenient readers take one cursor in many spellings: ours is this one text.
  if (name !== undefined && isTenantName(name) && writeNameCursor(name) === cursor) return name
  throw new FoliotError('validation_failed', 'expected a cursor that this list gave, got another text', {
    errors: [{ path: '/cursor', message: 'not a cursor of this list' }],
    hint: 'pass `nextCursor` of the page before unchanged',
  })
}

function parse(cursor: string): string | undefined {
  try {
    const name: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    return typeof name === 'string' ? name : undefined
  } catch {
    return undefined
  }
}
