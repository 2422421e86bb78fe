import { setImmediate as soon } from 'node:timers/promises'
import { FoliotError, type Schedule, type StoredCalendar, scheduleKey } from '@foliot/jobs'
import { enqueueMany, type JobMaker, type NewJob } from '@foliot/queue'
import { Calendar, type CompiledRule, type Tick, ticksBetween } from '@foliot/schedules'
import type { ApiDeps } from '../api.ts'
import { askLeave } from '../enqueue-quota.ts'
import { invalid } from '../problem.ts'
import { toJobByHand } from './job-by-hand.ts'
import { ruleOf } from './to-schedule.ts'

/** What a backfill is to make: as it was asked for, whatever becomes of the schedule meanwhile. */
export interface BackfillPlan {
  schedule: Schedule
  calendars: readonly StoredCalendar[]
  /** In ms since 1970; ticks that were planned then or later… */
  from: number
  /** …and before this. */
  to: number
  /** W3C trace context of the request. */
  traceparent: string
  /** The same for requests that are to make no job twice. */
  salt: string
}

/** A larger range is refused. */
const TICKS_MAX = 100_000
/** A tick of a rule with a zone takes up to 50 µs: others are served in between. */
const COUNTED_AT_ONCE = 200
const RETRY_MS = 1000

/** Makes the jobs of past ticks, part by part, as an operation drives it. */
export class Backfills {
  readonly #deps: Pick<ApiDeps, 'redis' | 'disk' | 'catalog' | 'inputs' | 'backlog' | 'access'>

  constructor(deps: Pick<ApiDeps, 'redis' | 'disk' | 'catalog' | 'inputs' | 'backlog' | 'access'>) {
    this.#deps = deps
  }

  readonly makeJobs: JobMaker = async ({ request }, afterMs, count) => {
    const plan = request.plan as BackfillPlan
    const rule = compile(plan)
    const from = afterMs === undefined ? plan.from : afterMs + 1
    const ticks = firstOf(ticksBetween(rule, from, plan.to), count)
    const done = ticks.length < count
    if (request.dryRun || ticks.length === 0) return { times: ticks.map(({ nominal }) => nominal), done, waitMs: 0 }
    const { times, waitMs } = await this.#make(plan, ticks).catch(waitIfFull)
    return { times, done: done && times.length === ticks.length, waitMs }
  }

  /** As many as its tenant may have now, from the first on. */
  async #make(plan: BackfillPlan, ticks: readonly Tick[]): Promise<Made> {
    const { tenant } = plan.schedule
    const jobs: NewJob[] = []
    for (const tick of ticks) jobs.push(await this.#toJob(plan, tick))
    const leave = await askLeave(this.#deps, tenant, jobs.length)
    if (leave.granted === 0) return waitIfFull(leave.refusal())
    const results = await enqueueMany(this.#deps.redis, jobs.slice(0, leave.granted), this.#deps.disk)
    const failed = results.findIndex((result) => result instanceof Error && !wasMade(result))
    const made = failed === -1 ? results.length : failed
    await leave.giveBack(leave.granted - made)
    const times = ticks.slice(0, made).map(({ nominal }) => nominal)
    return failed === -1 ? { times, waitMs: 0 } : { ...waitIfFull(results[failed]), times }
  }

  async #toJob({ schedule, traceparent, salt }: BackfillPlan, { nominal }: Tick): Promise<NewJob> {
    const origin = { tenant: schedule.tenant, traceparent }
    const job = await toJobByHand(schedule, { scheduledFor: nominal }, origin, this.#deps)
    // No key of a caller has such characters.
    const key = ['', 'backfill', scheduleKey(schedule), salt, nominal].join('\0')
    return { ...job, idempotency: { key, fingerprint: 'backfill' } }
  }
}

function firstOf(ticks: Iterable<Tick>, count: number): Tick[] {
  const first: Tick[] = []
  for (const tick of ticks) {
    if (first.push(tick) === count) break
  }
  return first
}

interface Made {
  times: readonly number[]
  waitMs: number
}

/** What is full has room again some time. @throws any other error */
function waitIfFull(error: unknown): Made {
  if (!(error instanceof FoliotError) || (error.code !== 'backpressure' && error.code !== 'rate_limited')) throw error
  const { retryAfterSeconds } = error
  return { times: [], waitMs: retryAfterSeconds === undefined ? RETRY_MS : retryAfterSeconds * 1000 }
}

/** Nobody knows how it ended: it was deleted. */
const wasMade = (error: Error): boolean => error instanceof FoliotError && error.code === 'conflict'

const compile = ({ schedule, calendars }: Pick<BackfillPlan, 'schedule' | 'calendars'>): CompiledRule =>
  ruleOf(schedule, new Map(calendars.map((calendar) => [calendar.name, new Calendar(calendar)])))

/** @throws FoliotError `validation_failed` for more ticks than one backfill makes up for. */
export async function assertFewTicks(
  plan: Pick<BackfillPlan, 'schedule' | 'calendars' | 'from' | 'to'>,
): Promise<void> {
  let count = 0
  for (const { nominal } of ticksBetween(compile(plan), plan.from, plan.to)) {
    count += 1
    if (count % COUNTED_AT_ONCE === 0) await soon()
    if (count <= TICKS_MAX) continue
    const until = new Date(nominal).toISOString()
    const message = `expected a range of at most ${TICKS_MAX} ticks, got more: up to ${until} there are as many`
    throw invalid('the range is too long', [{ path: '/to', message }])
  }
}
