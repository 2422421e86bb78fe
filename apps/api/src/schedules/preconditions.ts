import { FoliotError } from '@foliot/jobs'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { headerText } from '../header-text.ts'
import { reasonHeader } from '../move-reason.ts'
import { invalid } from '../problem.ts'

/** For routes that change what has a revision. */
export const ifMatchHeader = reasonHeader.extend({
  'if-match': z
    .string()
    .optional()
    .describe(
      'The `ETag` of what was read, such as `"1790000000001"`: if it is another one by now nothing is changed.',
    ),
})

export const putHeaders = ifMatchHeader.extend({
  'if-none-match': z.string().optional().describe('`*`: only make it, change nothing that is there.'),
})

/** On answers that show what has a revision. */
export const etagHeader = { etag: z.string().describe('Its revision, in quotes.') }

export const etagOf = ({ revision }: { revision: number }): string => `"${revision}"`

type Revised = { readonly revision: number }

/** Told what is there, or that nothing is, just before it is changed. @throws FoliotError `precondition_failed` */
export type Precondition = (before: Revised | undefined) => void

const ONE_TAG = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/

/**
 * What `If-Match` and `If-None-Match` ask for.
 *
 * @throws FoliotError `validation_failed`
 */
export function preconditionOf({ raw }: FastifyRequest): Precondition {
  const match = headerText(raw, 'if-match')
  const tags = match === undefined || match.trim() === '*' ? undefined : tagsOf(match)
  const noneMatch = headerText(raw, 'if-none-match')
  if (noneMatch !== undefined && noneMatch.trim() !== '*') {
    throw wrongHeader('/if-none-match', `expected *, got ${JSON.stringify(noneMatch.slice(0, 64))}`)
  }
  return (before) => {
    if (noneMatch !== undefined && before) throw failed('nothing to be there', before)
    if (match === undefined) return
    // A weak tag is equal to none (RFC 9110, 13.1.1).
    if (!before || (tags && !tags.includes(etagOf(before)))) throw failed(`revision ${match.slice(0, 200)}`, before)
  }
}

function tagsOf(header: string): string[] {
  const tags = header.split(',').map((tag) => tag.trim())
  if (tags.every((tag) => ONE_TAG.test(tag))) return tags
  throw wrongHeader(
    '/if-match',
    `expected a revision in quotes, like "1790000000001", or *, got ${JSON.stringify(header.slice(0, 64))}`,
  )
}

const wrongHeader = (path: string, message: string) => invalid('the headers are not as expected', [{ path, message }])

const failed = (expected: string, before: Revised | undefined): FoliotError =>
  new FoliotError('precondition_failed', `expected ${expected}, found ${before ? etagOf(before) : 'nothing'}`, {
    hint: 'read it again, and decide anew',
  })
