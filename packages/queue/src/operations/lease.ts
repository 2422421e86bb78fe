import type { Redis } from 'ioredis'
import { operationBase, operationKey, operationLeasesKey } from '../keys.ts'
import { runScript } from '../redis/scripts.ts'
import { hasEnded, OPERATION_MOVES, OPERATION_STATES, type OperationState } from './operation.ts'

/** The right to drive an operation. It runs out; a later one has a greater token. */
export interface OperationLease {
  id: string
  token: string
}

/** For how long an operation is kept that nobody touches: dead letters are kept no longer than a week. */
export const OPERATION_KEPT_MS = 8 * 24 * 60 * 60 * 1000
/** For how long it is kept after its end. */
export const OPERATION_KEPT_AFTER_END_MS = 24 * 60 * 60 * 1000
/** How long a process may be silent before another one goes on. */
export const OPERATION_LEASE_MS = 6000

/** Takes an operation that is to be driven and that nobody drives. Undefined if there is none. */
export async function takeOperation(redis: Redis, owner: string): Promise<OperationLease | undefined> {
  const args = [operationBase, owner, OPERATION_LEASE_MS]
  const reply = (await runScript(redis, 'takeOperation', [operationLeasesKey], args)) as [string, number] | null
  return reply ? { id: reply[0], token: String(reply[1]) } : undefined
}

/**
 * Renews a lease, or gives it back.
 *
 * @param forMs how long nobody else may take it; null if nobody has to, because nothing is left to do
 * @returns the state of the operation; undefined if somebody else has it
 */
export async function holdOperation(
  redis: Redis,
  { id, token }: OperationLease,
  forMs: number | null,
): Promise<OperationState | undefined> {
  const args = [id, token, forMs ?? '', OPERATION_KEPT_MS]
  return ((await runScript(redis, 'holdOperation', keysOf(id), args)) ?? undefined) as OperationState | undefined
}

/**
 * Brings an operation into another state, if its present one allows it.
 *
 * @param lease whose driver does it; with an id alone a caller does, and whoever drives it loses it
 * @returns the state it has then and the token; undefined if there is none, or somebody else has it
 */
export async function turnOperation(
  redis: Redis,
  { id, token = '' }: Partial<OperationLease> & { id: string },
  to: OperationState,
  error = '',
): Promise<{ state: OperationState; token: string } | undefined> {
  const from = OPERATION_STATES.filter((state) => OPERATION_MOVES[state].includes(to))
  const keptMs = hasEnded(to) ? OPERATION_KEPT_AFTER_END_MS : OPERATION_KEPT_MS
  const args = [id, token, to, Date.now(), keptMs, error, hasEnded(to) ? '1' : '', ...from]
  const reply = await runScript(redis, 'turnOperation', keysOf(id), args)
  if (!reply) return undefined
  const [state, now] = reply as [OperationState, string]
  return { state, token: now }
}

const keysOf = (id: string): string[] => [operationKey(id), operationLeasesKey]
