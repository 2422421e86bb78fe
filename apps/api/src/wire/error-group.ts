import { GROUP_LIMIT, SCAN_LIMIT } from '@foliot/queue'
import { z } from 'zod'
import { deadLetterFilter, inOrder } from './list.ts'

export const ListErrors = z.strictObject(deadLetterFilter).refine(...inOrder)

const time = z.string().describe('RFC 3339, UTC')

const ErrorGroup = z.object({
  fingerprint: z.string().describe('As in `error.fingerprint` of these jobs; a filter of lists, redrive and discard.'),
  type: z.string(),
  name: z.string(),
  kind: z.string(),
  message: z.string().describe('Of the newest of them.'),
  count: z.int(),
  firstSeenAt: time.describe('When the first of them died.'),
  lastSeenAt: time.describe('When the last of them died.'),
  sampleJobId: z.string().describe('The newest of them.'),
  queues: z.array(z.string()),
})

export const ErrorGroupList = z.object({
  items: z.array(ErrorGroup).describe(`The largest group first, at most ${GROUP_LIMIT}.`),
  nextCursor: z.null(),
  truncated: z
    .boolean()
    .describe(`There are more groups, or older dead letters: the newest ${SCAN_LIMIT} are looked at.`),
})

z.globalRegistry.add(ErrorGroup, { id: 'ErrorGroup' })
z.globalRegistry.add(ErrorGroupList, { id: 'ErrorGroupList' })
