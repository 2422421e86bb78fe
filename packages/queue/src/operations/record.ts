import { FoliotError, isJobId, newJobId } from '@foliot/jobs'
import type { Redis } from 'ioredis'
import type { JobFilter } from '../jobs/job-filter.ts'
import type { MoveReason } from '../jobs/moves.ts'
import { operationKey, operationLeasesKey, operationPartKey } from '../keys.ts'
import { readTogether } from '../redis/read-together.ts'
import { runScript } from '../redis/scripts.ts'
import { OPERATION_KEPT_MS, OPERATION_LEASE_MS, type OperationLease, turnOperation } from './lease.ts'
import {
  type Operation,
  type OperationCounts,
  type OperationKind,
  type OperationRequest,
  type OperationState,
  SAMPLE,
} from './operation.ts'
import { openPart, type StoredPart, toPart } from './part.ts'

/** An operation as it stands in Redis, but for what it does in its queues. */
export interface StoredOperation {
  id: string
  request: OperationRequest
  state: OperationState
  /** ms since 1970 */
  startedAt: number
  /** When its state last changed. */
  turnedAt: number
  finishedAt: number | undefined
  error: string | undefined
}

/** Stores an operation whose lease is the caller's: it is to be driven at once. */
export async function createOperation(
  redis: Redis,
  request: OperationRequest,
  owner: string,
): Promise<{ operation: Operation; lease: OperationLease }> {
  const now = Date.now()
  const lease = { id: newJobId(now), token: '1' }
  const { kind, filter, dryRun, reason, ratePerSecond, stopOnFailureRatio, plan } = request
  const fields = {
    state: 'running',
    token: lease.token,
    owner,
    startedAt: now,
    turnedAt: now,
    kind,
    dryRun: dryRun ? 1 : 0,
    reason: JSON.stringify(reason),
    filter: JSON.stringify({ ...filter, ...(filter.ids && { ids: [...filter.ids] }) }),
    ...(ratePerSecond !== undefined && { ratePerSecond }),
    ...(stopOnFailureRatio !== undefined && { stopOnFailureRatio }),
    ...(plan !== undefined && { plan: JSON.stringify(plan) }),
  }
  const args = [lease.id, OPERATION_LEASE_MS, OPERATION_KEPT_MS, ...Object.entries(fields).flat()]
  await runScript(redis, 'startOperation', [operationKey(lease.id), operationLeasesKey], args)
  return { operation: toOperation(toStored(lease.id, toText(fields)), []), lease }
}

/**
 * @param tenant whose jobs it has to be about; undefined for any
 * @throws FoliotError `not_found`
 */
export async function readOperation(redis: Redis, id: string, tenant?: string): Promise<Operation> {
  const stored = await readStoredOperation(redis, id, tenant)
  const { queues } = stored.request.filter
  const reads = redis.pipeline()
  for (const queue of queues) reads.hgetall(operationPartKey(queue, id))
  const parts = queues.length > 0 ? await readTogether<Record<string, string>[]>(reads) : []
  return toOperation(
    stored,
    parts.map((fields, i) => toPart(queues[i] as string, fields)),
  )
}

/** As `readOperation`. */
export async function readStoredOperation(redis: Redis, id: string, tenant?: string): Promise<StoredOperation> {
  const fields = isJobId(id) ? await redis.hgetall(operationKey(id)) : {}
  const stored = fields.state === undefined ? undefined : toStored(id, fields)
  if (stored && (tenant === undefined || stored.request.filter.tenant === tenant)) return stored
  throw new FoliotError('not_found', `there is no operation ${id.slice(0, 64)}`)
}

/**
 * Pauses an operation. Once it resolves, nothing more is moved. One that is paused stays so.
 *
 * @param tenant as for `readOperation`
 * @throws FoliotError `not_found`, or `illegal_transition` if it has ended
 */
export async function pauseOperation(redis: Redis, id: string, tenant?: string): Promise<Operation> {
  const { token, queues } = await turn(redis, id, 'paused', tenant)
  // Whoever drives it may be about to move some: it would be refused from here on.
  await Promise.all(queues.map((queue) => openPart(redis, queue, { id, token })))
  return readOperation(redis, id)
}

/**
 * Lets a paused operation go on, as soon as a process takes it. One that is running stays so.
 *
 * @param tenant as for `readOperation`
 * @throws FoliotError `not_found`, or `illegal_transition` if it has ended
 */
export async function resumeOperation(redis: Redis, id: string, tenant?: string): Promise<Operation> {
  await turn(redis, id, 'running', tenant)
  return readOperation(redis, id)
}

async function turn(
  redis: Redis,
  id: string,
  to: 'paused' | 'running',
  tenant?: string,
): Promise<{ token: string; queues: readonly string[] }> {
  const { request } = await readStoredOperation(redis, id, tenant)
  const turned = await turnOperation(redis, { id }, to)
  if (turned?.state === to) return { token: turned.token, queues: request.filter.queues }
  const verb = to === 'paused' ? 'paused' : 'resumed'
  throw new FoliotError('illegal_transition', `an operation that is ${turned?.state ?? 'gone'} cannot be ${verb}`, {
    hint: 'it has ended; start another one for what is left',
  })
}

function toStored(id: string, fields: Record<string, string>): StoredOperation {
  const { ids, ...filter } = JSON.parse(fields.filter as string) as Omit<JobFilter, 'ids'> & { ids?: string[] }
  const { ratePerSecond, stopOnFailureRatio, plan } = fields
  return {
    id,
    request: {
      kind: fields.kind as OperationKind,
      filter: { ...filter, ...(ids && { ids: new Set(ids) }) },
      dryRun: fields.dryRun === '1',
      reason: JSON.parse(fields.reason as string) as MoveReason,
      ...(ratePerSecond !== undefined && { ratePerSecond: Number(ratePerSecond) }),
      ...(stopOnFailureRatio !== undefined && { stopOnFailureRatio: Number(stopOnFailureRatio) }),
      ...(plan !== undefined && { plan: JSON.parse(plan) as unknown }),
    },
    state: fields.state as OperationState,
    startedAt: Number(fields.startedAt),
    turnedAt: Number(fields.turnedAt),
    finishedAt: fields.finishedAt === undefined ? undefined : Number(fields.finishedAt),
    error: fields.error,
  }
}

const toText = (fields: Record<string, string | number>): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]))

function toOperation(stored: StoredOperation, parts: readonly StoredPart[]): Operation {
  const { id, request, state, startedAt, turnedAt, finishedAt, error } = stored
  const { kind, dryRun, ratePerSecond, stopOnFailureRatio } = request
  return {
    id,
    kind,
    state,
    dryRun,
    ...(ratePerSecond !== undefined && { ratePerSecond }),
    ...(stopOnFailureRatio !== undefined && { stopOnFailureRatio }),
    ...sumOf(parts),
    queues: parts.map(({ queue, cursor, done, ...part }) => ({
      name: queue,
      ...sumOf([part]),
      cursor: cursor ? timeOf(cursor.at) : null,
      done,
    })),
    sample: parts.flatMap(({ sample }) => sample).slice(0, SAMPLE),
    startedAt: timeOf(startedAt),
    updatedAt: timeOf(Math.max(turnedAt, ...parts.map(({ updatedAt }) => updatedAt))),
    ...(finishedAt !== undefined && { finishedAt: timeOf(finishedAt) }),
    ...(error !== undefined && { error }),
  }
}

const timeOf = (ms: number): string => new Date(ms).toISOString()

export function sumOf(parts: readonly OperationCounts[]): OperationCounts {
  const sum = { matched: 0, moved: 0, finished: 0, failedAgain: 0 }
  for (const part of parts) {
    sum.matched += part.matched
    sum.moved += part.moved
    sum.finished += part.finished
    sum.failedAgain += part.failedAgain
  }
  return sum
}
