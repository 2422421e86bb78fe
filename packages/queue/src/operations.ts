import { FoliotError, isJobId, newJobId } from '@foliot/jobs'
import type { Redis } from 'ioredis'
import { type DeadLetterFilter, walkDeadLetters } from './dead-letters.ts'
import { operationKey } from './keys.ts'
import { discardJobs, type MoveReason, redriveJobs } from './moves.ts'

/** A bulk move of dead letters, as `GET /v1/operations/{id}` shows it. Kept for a day. */
export interface Operation {
  id: string
  kind: 'redrive' | 'discard'
  /** `failed`: it stopped before its end; `error` says why. What was moved by then stays moved. */
  state: 'running' | 'completed' | 'failed'
  /** True: it only counts and shows what it would move. */
  dryRun: boolean
  /** Dead letters met so far that fit the filter. */
  matched: number
  /** Of those, how many were moved. */
  moved: number
  /** Ids of the first of them. */
  sample: string[]
  createdAt: string
  finishedAt?: string
  error?: string
}

export interface OperationRequest {
  kind: Operation['kind']
  filter: DeadLetterFilter
  dryRun: boolean
  reason: MoveReason
}

const TTL_MS = 24 * 60 * 60 * 1000
const SAMPLE = 10

/** Starts a bulk move. `operation` can be read at once; `finished` resolves with its last state and never rejects. */
export async function startOperation(
  redis: Redis,
  request: OperationRequest,
): Promise<{ operation: Operation; finished: Promise<Operation> }> {
  const now = Date.now()
  const operation: Operation = {
    id: newJobId(now),
    kind: request.kind,
    state: 'running',
    dryRun: request.dryRun,
    matched: 0,
    moved: 0,
    sample: [],
    createdAt: new Date(now).toISOString(),
  }
  await save(redis, operation)
  return { operation: { ...operation }, finished: drive(redis, operation, request, now) }
}

/** @throws FoliotError `not_found` */
export async function readOperation(redis: Redis, id: string): Promise<Operation> {
  const text = isJobId(id) ? await redis.get(operationKey(id)) : null
  if (!text) throw new FoliotError('not_found', `there is no operation ${id.slice(0, 64)}`)
  return JSON.parse(text) as Operation
}

async function drive(
  redis: Redis,
  operation: Operation,
  request: OperationRequest,
  startedAt: number,
): Promise<Operation> {
  try {
    for (const queue of request.filter.queues) await driveQueue(redis, queue, operation, request, startedAt)
    operation.state = 'completed'
  } catch (error) {
    operation.state = 'failed'
    operation.error = error instanceof Error ? error.message : String(error)
  }
  operation.finishedAt = new Date().toISOString()
  // If Redis is what failed, its record runs out by itself and is seen as running until then.
  await save(redis, operation).catch(() => undefined)
  return operation
}

async function driveQueue(
  redis: Redis,
  queue: string,
  operation: Operation,
  { kind, filter, dryRun, reason }: OperationRequest,
  startedAt: number,
): Promise<void> {
  const move = kind === 'redrive' ? redriveJobs : discardJobs
  for await (const ids of walkDeadLetters(redis, queue, filter, startedAt)) {
    operation.matched += ids.length
    if (!dryRun) operation.moved += await move(redis, queue, ids, reason)
    operation.sample.push(...ids.slice(0, SAMPLE - operation.sample.length))
    await save(redis, operation)
  }
}

const save = (redis: Redis, operation: Operation): Promise<unknown> =>
  redis.set(operationKey(operation.id), JSON.stringify(operation), 'PX', TTL_MS)
