import type { OverlapPolicy, TickOutcome } from '@foliot/jobs'
import type { Redis } from 'ioredis'
import type { Envelope } from '../enqueue/envelope.ts'
import {
  bullKeys,
  deadlinesKey,
  heldTicksKey,
  indexKey,
  tickFencesKey,
  tickJobsBase,
  ticksKey,
  unfiredTicksKey,
} from '../keys.ts'
import type { Arg } from '../redis/scripts.ts'
import { sendScript } from '../redis/send-scripts.ts'

/** A tick and what is to become of it. Instants are in ms since 1970. */
export type TickDecision = {
  slot: number
  token: number
  /** Of the schedule, see `scheduleKey`. */
  key: string
  /** When it was planned. */
  tick: number
} /** It stands for all times of the rule up to `upTo`; default: for `tick` alone. */ & (
  | { verb: 'fire' | 'release'; upTo?: number; overlap: OverlapPolicy; job: TickJob }
  /** `tick` is the last of several that follow each other. */
  | { verb: 'skip'; first: number; count: number | null; outcome: TickOutcome; reason: string }
)

/** The job of a tick. Everything is already checked. */
export interface TickJob {
  id: string
  type: string
  inputText: string
  maxAttempts: number
  priority: number
  envelope: Envelope
  /** When it has to have started, and what becomes of it otherwise. */
  startBy?: { at: number; or: 'cancel' | 'fail' }
}

/** What became of a tick. */
export type TickResult =
  | { kind: 'fired' | 'skipped' | 'overlapped' | 'full' | 'known' | 'fenced' }
  /** It waits until these jobs have ended. */
  | { kind: 'held'; open: string[] }

/** How many ticks of one schedule may wait for an earlier job to end. */
export const TICKS_HELD_MAX = 1000

const KINDS = new Map([
  [1, 'fired'],
  [2, 'skipped'],
  [3, 'overlapped'],
  [4, 'full'],
  [0, 'known'],
  [-1, 'fenced'],
] as const)

/**
 * Decides ticks in a queue, in their order, each once and for all: `known` was decided before, `fenced` is another scheduler's
 * by now. To decide the same again, because an answer got lost, changes nothing.
 *
 * @param now when the jobs are made, in ms
 * @param maxDepth ticks are skipped if so many jobs wait in the queue
 */
export async function decideTicks(
  redis: Redis,
  queue: string,
  decisions: readonly TickDecision[],
  { now, maxDepth }: { now: number; maxDepth: number | undefined },
): Promise<TickResult[]> {
  const args: Arg[] = [bullKeys(queue).base, tickJobsBase(queue), now, maxDepth ?? '', TICKS_HELD_MAX]
  for (const decision of decisions) addTo(args, decision)
  const call = { script: 'decideTicks', sharedKeys: keysOf(queue), keys: [], args } as const
  const replies = (await sendScript(redis, call)) as [number, ...string[]][]
  return replies.map(([code, ...open]) => {
    const kind = KINDS.get(code as never)
    return kind === undefined ? { kind: 'held', open } : { kind }
  })
}

function addTo(args: Arg[], decision: TickDecision): void {
  args.push(decision.slot, decision.token, decision.key, decision.tick, decision.verb)
  if (decision.verb === 'skip') {
    const { first, count, outcome, reason } = decision
    args.push(first, count ?? '', outcome, reason, '', '', '', '', '', '')
    return
  }
  const { tick, upTo = tick, overlap, job } = decision
  const { id, type, inputText, maxAttempts, priority, envelope, startBy } = job
  args.push(overlap, id, type, inputText, optionsOf(maxAttempts, priority), JSON.stringify(envelope), priority)
  args.push(envelope.deadlineAt ?? '', startBy ? `${startBy.at}:${startBy.or}` : '', upTo)
}

/** As BullMQ writes them. */
const optionsOf = (attempts: number, priority: number): string =>
  priority > 0 ? `{"priority":${priority},"attempts":${attempts}}` : `{"attempts":${attempts}}`

const keysByQueue = new Map<string, readonly string[]>()

function keysOf(queue: string): readonly string[] {
  let keys = keysByQueue.get(queue)
  if (!keys) {
    const k = bullKeys(queue)
    const ours = [ticksKey(queue), tickFencesKey(queue), heldTicksKey(queue), unfiredTicksKey(queue)]
    const theirs = [k.wait, k.prioritized, k.pc, k.active, k.events, k.marker, k.meta]
    keys = [...ours, ...theirs, indexKey(queue), deadlinesKey(queue)]
    keysByQueue.set(queue, keys)
  }
  return keys
}
