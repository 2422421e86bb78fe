import { OPERATION_STATES, RATIO_MIN_FINISHED } from '@foliot/queue'
import { z } from 'zod'
import { deadLetterFilter, inOrder } from './list.ts'

const id = z.string().max(64)

/** Which dead letters to move, and how. An empty filter is all of them, so it has to be written down. */
const move = {
  filter: z
    .strictObject({
      ...deadLetterFilter,
      id: z
        .union([id, z.array(id).min(1).max(1000)])
        .transform((value) => [value].flat())
        .optional()
        .describe('One id, or a list of at most 1000.'),
    })
    .refine(...inOrder),
  dryRun: z.boolean().default(false).describe('Only count, and show the first ids.'),
  ratePerSecond: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe('Move at most so many a second. Default: as fast as Redis can.'),
}

// Whoever tries these on the reference page moves nothing before they say so.
const EXAMPLE = { filter: { type: 'demo.fail' }, dryRun: true }

export const Discard = z.strictObject(move).meta({ example: EXAMPLE })

export const Redrive = z
  .strictObject({
    ...move,
    stopOnFailureRatio: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe(
        `Stop when, of the redriven jobs that have ended since, a share above this died again, once ${RATIO_MIN_FINISHED} have ` +
          `ended. At most ${2 * RATIO_MIN_FINISHED} are under way at a time, and later as many as have ended.`,
      ),
  })
  .meta({ example: EXAMPLE })

const counts = {
  matched: z.int().describe('Dead letters met so far that fit the filter; of a backfill, ticks.'),
  moved: z
    .int()
    .describe(
      'Of those, how many were moved, or have their job. The others were moved by somebody else, or it is a dry run.',
    ),
  finished: z.int().describe('Of the redriven, how many have ended since, well or not. Counted for an hour.'),
  failedAgain: z.int().describe('Of those, how many died again.'),
}

const time = z.string().describe('RFC 3339, UTC')

export const Operation = z.object({
  id: z.string(),
  kind: z.enum(['redrive', 'discard', 'backfill']),
  state: z.enum(OPERATION_STATES),
  dryRun: z.boolean(),
  ratePerSecond: z.int().optional(),
  stopOnFailureRatio: z.number().optional(),
  ...counts,
  queues: z
    .array(
      z.object({
        name: z.string(),
        ...counts,
        cursor: time
          .nullable()
          .describe('What died, or was planned, up to then has been looked at; null before the first.'),
        done: z.boolean(),
      }),
    )
    .describe('The same for each queue.'),
  sample: z.array(z.string()).describe('Ids of the first that fit; of a backfill, the first ticks (RFC 3339, UTC).'),
  startedAt: time.describe('What died after that is left alone.'),
  updatedAt: time.describe('When it last moved something, counted something, or changed its state.'),
  finishedAt: time.optional(),
  error: z.string().optional().describe('Why it stopped or failed.'),
})

z.globalRegistry.add(Operation, { id: 'Operation' })
