import * as lua from '../generated/lua.ts'
import { bullKeys, jobKey } from '../keys.ts'

/** The scripts about locks. The lock thread runs them too, so nothing here may load BullMQ. */

/** How long a lock lasts without renewal: after that, the next check for stalled jobs gives the job to another worker. */
export const LOCK_MS = 5000

/** The Lua function by which a script tells whether an attempt still has its job. */
export const HOLDS = `${lua.attemptField}\n${lua.holds}`

export const LOCK_SCRIPTS = {
  renewLocks: `${HOLDS}\n${lua.renewLocks}`,
  renewClaimed: lua.renewClaimed,
  markBlocked: `${HOLDS}\n${lua.markBlocked}`,
}

/** Runs one of them on whatever connection the caller has. */
export type RunLockScript = (
  name: keyof typeof LOCK_SCRIPTS,
  keys: string[],
  args: (string | number)[],
) => Promise<unknown>

/** An attempt's hold on its job, as Redis knows it. */
export interface Lock {
  readonly queue: string
  readonly id: string
  readonly token: string
  readonly attempt: number
  readonly stalls: string
}

/** What a renewal brought to light, by places in the list of locks. */
export interface Renewal {
  lost: number[]
  /** Those asked to end, with the request as JSON. */
  asked: [place: number, request: string][]
}

/** Renews locks of one queue, and takes again those that ran out while nobody took the job. */
export async function renew(
  run: RunLockScript,
  queue: string,
  locks: readonly Omit<Lock, 'queue'>[],
): Promise<Renewal> {
  const { base, stalled } = bullKeys(queue)
  const args = locks.flatMap(({ id, token, attempt, stalls }) => [id, token, attempt, stalls])
  const reply = await run('renewLocks', [stalled], [base, LOCK_MS, ...args])
  const [lost, flat] = reply as [number[], (number | string)[]]
  const asked: Renewal['asked'] = []
  for (let i = 0; i < flat.length; i += 2) asked.push([flat[i] as number, flat[i + 1] as string])
  return { lost, asked }
}

/** Renews every lock in the queue whose token begins so. Looks at each running job of the queue. */
export async function renewClaimed(run: RunLockScript, queue: string, tokenPrefix: string): Promise<void> {
  const { base, active, stalled } = bullKeys(queue)
  await run('renewClaimed', [active, stalled], [base, LOCK_MS, tokenPrefix])
}

/**
 * Has whoever recovers the job say that this attempt timed out or, if the job is cancelled, that its process was killed. Does
 * nothing if the job has another owner by now.
 */
export async function markBlocked(run: RunLockScript, { queue, id, token, attempt, stalls }: Lock): Promise<void> {
  await run('markBlocked', [jobKey(queue, id)], [token, attempt, stalls, Date.now()])
}
