import type { Redis } from 'ioredis'
import { parse } from '../jobs/job-hash.ts'
import { deadLetterMove } from '../jobs/moves.ts'
import type { Position } from '../jobs/position.ts'
import { bullKeys, operationPartKey, operationUnfinishedKey } from '../keys.ts'
import { runScript } from '../redis/scripts.ts'
import { OPERATION_KEPT_MS, type OperationLease } from './lease.ts'
import { type OperationCounts, type OperationRequest, SAMPLE } from './operation.ts'

/** What an operation has done in one queue, as it stands in Redis. */
export interface StoredPart extends OperationCounts {
  queue: string
  cursor: Position | undefined
  done: boolean
  /** Ids of the first that fit. */
  sample: string[]
  /** ms since 1970 */
  updatedAt: number
}

/** A step of an operation in one queue. */
export interface PartStep {
  /** Dead letters that fit. They are moved, unless it is a dry run. Of a backfill: times whose jobs were made. */
  ids: readonly string[]
  reached: Position
  /** Nothing more fits. */
  done: boolean
}

/** How many redriven jobs one call looks at; Redis does nothing else meanwhile. */
const TALLY = 500

/** Undefined if somebody had the lease later. */
export async function openPart(
  redis: Redis,
  queue: string,
  { id, token }: OperationLease,
): Promise<StoredPart | undefined> {
  const reply = await runScript(redis, 'openPart', [operationPartKey(queue, id)], [token, OPERATION_KEPT_MS])
  if (!reply) return undefined
  const flat = reply as string[]
  const pairs = Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]])
  return toPart(queue, Object.fromEntries(pairs))
}

export function toPart(queue: string, fields: Record<string, string>): StoredPart {
  const count = (text: string | undefined): number => Number(text ?? 0)
  return {
    queue,
    matched: count(fields.matched),
    moved: count(fields.moved),
    finished: count(fields.finished),
    failedAgain: count(fields.failedAgain),
    cursor: parse<Position>(fields.cursor),
    done: fields.done === '1',
    sample: parse<string[]>(fields.sample) ?? [],
    updatedAt: count(fields.updatedAt),
  }
}

const SCRIPTS = { redrive: 'redrivePart', discard: 'discardPart', backfill: 'backfillPart' } as const

/**
 * Moves dead letters and counts them, in one step. Jobs of a backfill are only counted: they were made before.
 *
 * @returns the part after it; undefined if somebody else drives the operation by now
 */
export async function advancePart(
  redis: Redis,
  { id, token }: OperationLease,
  { kind, dryRun, reason }: OperationRequest,
  part: StoredPart,
  { ids, reached, done }: PartStep,
): Promise<StoredPart | undefined> {
  const { queue } = part
  const sample = [...part.sample, ...ids.slice(0, SAMPLE - part.sample.length)]
  const step = {
    token,
    matched: ids.length,
    cursor: JSON.stringify(reached),
    sample: JSON.stringify(sample),
    done,
    at: Date.now(),
    watch: kind === 'redrive',
    keepMs: OPERATION_KEPT_MS,
  }
  const { keys, args } = kind === 'backfill' ? { keys: [], args: [] } : deadLetterMove(kind, queue, reason)
  const moved = (await runScript(
    redis,
    SCRIPTS[kind],
    [...keys, operationPartKey(queue, id), operationUnfinishedKey(queue, id)],
    [...args, ...(dryRun ? [] : ids), JSON.stringify(step)],
  )) as number
  if (moved < 0) return undefined
  const counts = { matched: part.matched + ids.length, moved: part.moved + moved }
  return { ...part, ...counts, cursor: reached, sample, done, updatedAt: step.at }
}

/** Looks which of some redriven jobs have ended since. */
export async function tallyPart(
  redis: Redis,
  id: string,
  queue: string,
): Promise<{ ended: number; failedAgain: number; left: number }> {
  const keys = [operationPartKey(queue, id), operationUnfinishedKey(queue, id)]
  const reply = await runScript(redis, 'tallyPart', keys, [bullKeys(queue).base, TALLY, Date.now()])
  const [ended, failedAgain, left] = reply as [number, number, number]
  return { ended, failedAgain, left }
}
