import type { JobType, Schedule } from '@foliot/jobs'
import { type TickDecision, type TickJob, tickJobId } from '@foliot/queue'
import type { Tick } from '@foliot/schedules'
import { newTraceparent } from '@foliot/telemetry'
import type { Plan, Step } from './plan.ts'

export interface DecisionContext {
  /** Of the slot. */
  token: number
  /** Undefined if no worker has announced it. */
  type: JobType | undefined
  /** In ms since 1970. */
  now: number
}

/** What is to be decided of the ticks of a schedule that are due, in their order. */
export function toDecisions(plan: Plan, { skip, fire }: Step, { token, type, now }: DecisionContext): TickDecision[] {
  const { key, slot, schedule } = plan
  const base = { key, slot, token }
  if (!schedule) return []
  const decisions: TickDecision[] = []
  if (skip) decisions.push({ ...base, verb: 'skip', tick: skip.last, ...skip })
  if (type) {
    const { overlap } = schedule
    for (const tick of fire) {
      const { upTo } = tick
      const job = toTickJob(plan.key, schedule, type, tick, now)
      decisions.push({ ...base, verb: 'fire', tick: tick.nominal, ...(upTo !== undefined && { upTo }), overlap, job })
    }
  } else if (fire.length > 0) {
    const first = (fire[0] as Tick).nominal
    const reason = `no worker has announced the job type ${schedule.type}`
    const last = fire.at(-1) as Tick
    const tick = last.upTo ?? last.nominal
    decisions.push({ ...base, verb: 'skip', tick, first, count: fire.length, outcome: 'skipped', reason })
  }
  return decisions
}

/** Times of the rule up to here are decided with it. */
export const lastOf = (decision: TickDecision): number =>
  decision.verb === 'skip' ? decision.tick : (decision.upTo ?? decision.tick)

/** A tick that waited for an earlier job to end, and may have its own now. */
export function toRelease(plan: Plan, tickMs: number, { token, type, now }: DecisionContext): TickDecision | undefined {
  const { key, slot, schedule } = plan
  if (!schedule || !type) return undefined
  const job = toTickJob(key, schedule, type, { nominal: tickMs, due: plan.dueOf(tickMs) }, now)
  return { key, slot, token, tick: tickMs, verb: 'release', overlap: schedule.overlap, job }
}

function toTickJob(key: string, schedule: Schedule, type: JobType, { nominal, due }: Tick, now: number): TickJob {
  const { attempts, priority, timeoutMs, deadlineMs } = schedule.jobOptions
  const { startWithinMs, lateStart = 'cancel' } = schedule
  return {
    id: tickJobId(key, nominal),
    type: type.name,
    inputText: schedule.inputText,
    maxAttempts: attempts ?? type.retry.attempts,
    priority: priority ?? type.priority,
    envelope: {
      version: type.version,
      tenant: schedule.tenant,
      labels: schedule.labels,
      traceparent: newTraceparent(),
      ...(type.redact.length > 0 && { redact: type.redact }),
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(deadlineMs !== undefined && { deadlineAt: now + deadlineMs }),
      schedule: { id: schedule.id, scheduledFor: nominal, latenessMs: Math.max(0, now - due) },
    },
    ...(startWithinMs !== undefined && { startBy: { at: now + startWithinMs, or: lateStart } }),
  }
}
