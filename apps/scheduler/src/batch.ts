import type { TickDecision } from '@foliot/queue'
import type { Plan, Step } from './plan.ts'

interface Part {
  plan: Plan
  step: Step
  /** At least one. */
  decisions: readonly TickDecision[]
}

/** What goes to Redis together, which does nothing else meanwhile. */
const MOST = { decisions: 500, bytes: 1024 * 1024 }
/** Beside its input, about. */
const JOB_BYTES = 600

/** Ticks of several schedules that are decided together. */
export class Batch {
  readonly parts: Part[] = []
  readonly decisions: TickDecision[] = []
  #bytes = 0

  get isFull(): boolean {
    return this.decisions.length >= MOST.decisions || this.#bytes >= MOST.bytes
  }

  /** How many ticks of a schedule may be fired with what there is already: at least one. */
  roomFor({ schedule }: Plan): number {
    const bytes = JOB_BYTES + (schedule?.inputText.length ?? 0)
    const room = Math.min(MOST.decisions - this.decisions.length, Math.floor((MOST.bytes - this.#bytes) / bytes))
    return Math.max(1, room)
  }

  add(part: Part): void {
    this.parts.push(part)
    this.decisions.push(...part.decisions)
    for (const { verb } of part.decisions)
      this.#bytes += JOB_BYTES + (verb === 'skip' ? 0 : (part.plan.schedule?.inputText.length ?? 0))
  }
}
