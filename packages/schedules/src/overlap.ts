/** What happens to a tick if the job of an earlier one has not ended: also if it waits, or waits to be retried. */
export type OverlapPolicy = 'allow' | 'skip' | 'queue_one' | 'queue_all' | 'cancel_running'

/** `queue`: the tick fires when the earlier job has ended. `reason` is one line for people. */
export type OverlapDecision =
  | { readonly kind: 'fire' | 'queue' | 'cancel_then_fire' }
  | { readonly kind: 'skip'; readonly reason: string }

interface EarlierTicks {
  /** Whether the job of an earlier tick has not ended. */
  readonly previousIsOpen: boolean
  /** How many ticks wait for it already. */
  readonly queuedCount: number
}

const FIRE: OverlapDecision = Object.freeze({ kind: 'fire' })
const QUEUE: OverlapDecision = Object.freeze({ kind: 'queue' })
const CANCEL: OverlapDecision = Object.freeze({ kind: 'cancel_then_fire' })
const RUNNING: OverlapDecision = Object.freeze({ kind: 'skip', reason: 'the job of an earlier tick has not ended' })
const QUEUED: OverlapDecision = Object.freeze({
  kind: 'skip',
  reason: 'the job of an earlier tick has not ended, and another tick waits for it already',
})

/** With an open job and nothing that waits; with an open job, or without, while ticks wait. */
const DECISIONS: Readonly<Record<OverlapPolicy, { readonly open: OverlapDecision; readonly waited: OverlapDecision }>> =
  {
    allow: { open: FIRE, waited: FIRE },
    skip: { open: RUNNING, waited: RUNNING },
    queue_one: { open: QUEUE, waited: QUEUED },
    queue_all: { open: QUEUE, waited: QUEUE },
    cancel_running: { open: CANCEL, waited: CANCEL },
  }

/** Ticks that wait go first, so nothing fires past them, even in the moment after the job before them ended. */
export function decideOverlap(policy: OverlapPolicy, { previousIsOpen, queuedCount }: EarlierTicks): OverlapDecision {
  if (queuedCount > 0) return DECISIONS[policy].waited
  return previousIsOpen ? DECISIONS[policy].open : FIRE
}
