import { z } from 'zod'
import { jobFilter } from './list.ts'

const id = z.string().max(64)

/** Which dead letters to move. An empty filter is all of them, so it has to be written down. */
export const DeadLetterMove = z.strictObject({
  filter: z.strictObject({
    ...jobFilter,
    id: z
      .union([id, z.array(id).min(1).max(1000)])
      .transform((value) => [value].flat())
      .optional()
      .describe('One id, or a list of at most 1000.'),
  }),
  dryRun: z.boolean().default(false).describe('Only count, and show the first ids.'),
})

export const OperationState = z.object({
  id: z.string(),
  kind: z.enum(['redrive', 'discard']),
  state: z.enum(['running', 'completed', 'failed']),
  dryRun: z.boolean(),
  matched: z.int().describe('Dead letters met so far that fit the filter.'),
  moved: z.int().describe('Of those, how many were moved.'),
  sample: z.array(z.string()).describe('Ids of the first of them.'),
  createdAt: z.string(),
  finishedAt: z.string().optional(),
  error: z.string().optional(),
})

z.globalRegistry.add(OperationState, { id: 'Operation' })
