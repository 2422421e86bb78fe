import type { AnyJobDefinition, Job } from '@foliot/jobs'
import { isBackfill, isJob, isPage, isPreview, isRevised, isTick, readBody } from './answer.ts'
import type { CallOptions, ChangeOptions, TenantOptions } from './call-options.ts'
import type { ResolvedOptions } from './client-options.ts'
import { assertId, bodyOf, idempotencyHeader, ifMatch, queryOf, timeText } from './definition-requests.ts'
import { randomKey } from './job-request.ts'
import type {
  Backfill,
  Page,
  PreviewRequest,
  SchedulePreview,
  ScheduleRequest,
  ScheduleTick,
  ShownSchedule,
  Time,
} from './schedule-types.ts'
import { type ApiRequest, send, sendDelete } from './send.ts'

/** Its id, or the schedule itself. */
export type ScheduleRef = string | Pick<ShownSchedule, 'id' | 'tenant'>

export interface PageOptions extends TenantOptions {
  /** At most 200. Default 50. */
  limit?: number | undefined
  /** `nextCursor` of the page before, with the same filter. */
  cursor?: string | undefined
}

export interface ListSchedulesOptions extends PageOptions {
  type?: string | undefined
  /** `key:value` */
  label?: string | undefined
  paused?: boolean | undefined
}

export interface ListTicksOptions extends PageOptions {
  from?: Time | undefined
  to?: Time | undefined
}

export interface PauseOptions extends ChangeOptions {
  /** For people. */
  reason?: string | undefined
  /** When it is resumed by itself. Default: when somebody does it. */
  until?: Time | undefined
}

interface RunOptions extends TenantOptions {
  /** The same key makes no job twice, for 24 h. Default: a random one, which guards the client's own retries. */
  idempotencyKey?: string | undefined
}

export interface TriggerOptions extends RunOptions {
  /** Instead of the input of the schedule. */
  input?: unknown
}

export interface BackfillOptions extends RunOptions {
  /** Ticks that were planned at this time or later… */
  from: Time
  /** …and before this one, which is past. */
  to: Time
  /** Make at most so many jobs a second. Default 10. */
  ratePerSecond?: number | undefined
  /** Only count, and show the first ticks. */
  dryRun?: boolean | undefined
}

/** The calls about schedules. A key needs the scope `operate` for them, `read` for those that change nothing. */
export interface ScheduleCalls {
  /** Makes the schedule, or replaces the whole of it. To put what is there already changes nothing. */
  put<const Type extends AnyJobDefinition | string>(
    schedule: ScheduleRef,
    request: ScheduleRequest<Type>,
    options?: ChangeOptions,
  ): Promise<ShownSchedule>
  get(schedule: ScheduleRef, options?: TenantOptions): Promise<ShownSchedule>
  /** By tenant, and then by id. */
  list(options?: ListSchedulesOptions): Promise<Page<ShownSchedule>>
  /** Jobs that it has made stay. */
  delete(schedule: ScheduleRef, options?: ChangeOptions): Promise<void>
  /** Its ticks are skipped from now on, each with the reason. */
  pause(schedule: ScheduleRef, options?: PauseOptions): Promise<ShownSchedule>
  resume(schedule: ScheduleRef, options?: ChangeOptions): Promise<ShownSchedule>
  /** Makes one job now, also while the schedule is paused. */
  trigger(schedule: ScheduleRef, options?: TriggerOptions): Promise<Job>
  /** The next ticks of a rule, and what is skipped before and between them. Nothing is stored. */
  preview(request: PreviewRequest, options?: TenantOptions): Promise<SchedulePreview>
  /** What became of its ticks, the newest first. */
  ticks(schedule: ScheduleRef, options?: ListTicksOptions): Promise<Page<ScheduleTick>>
  /** Has the jobs of a past range made. It resolves when that has begun. */
  backfill(schedule: ScheduleRef, options: BackfillOptions): Promise<Backfill>
}

export function scheduleCalls(options: ResolvedOptions): ScheduleCalls {
  /** @param query beside the tenant, which is that of the schedule unless it is said */
  function pathOf(schedule: ScheduleRef, { tenant }: TenantOptions, step = '', query = {}): string {
    const { id, tenant: own } = typeof schedule === 'string' ? { id: schedule, tenant: undefined } : schedule
    return `/v1/schedules/${assertId(id, 'id of a schedule')}${step}${queryOf({ tenant: tenant ?? own, ...query })}`
  }

  const ask = async (request: Pick<ApiRequest, 'method' | 'path' | 'body' | 'headers'>, { signal }: CallOptions) =>
    send(options, { ...request, repeatable: !request.headers?.['if-match'], signal })

  return {
    async put(schedule, { type, ...rest }, given = {}) {
      const body = bodyOf({ type: typeof type === 'string' ? type : type.name, ...rest })
      const request = { method: 'PUT', path: pathOf(schedule, given), body, headers: ifMatch(given) } as const
      return readBody(await ask(request, given), isRevised) as ShownSchedule
    },

    async get(schedule, given = {}) {
      return readBody(await ask({ method: 'GET', path: pathOf(schedule, given) }, given), isRevised) as ShownSchedule
    },

    async list({ signal, ...query } = {}) {
      const path = `/v1/schedules${queryOf(query)}`
      return readBody(await ask({ method: 'GET', path }, { signal }), isPage(isRevised)) as Page<ShownSchedule>
    },

    async delete(schedule, given = {}) {
      const request = { path: pathOf(schedule, given), headers: ifMatch(given), signal: given.signal }
      await sendDelete(options, request)
    },

    async pause(schedule, { reason, until, ...given } = {}) {
      const body = bodyOf({ reason, until })
      const request = {
        method: 'POST',
        path: pathOf(schedule, given, '/pause'),
        body,
        headers: ifMatch(given),
      } as const
      return readBody(await ask(request, given), isRevised) as ShownSchedule
    },

    async resume(schedule, given = {}) {
      const request = { method: 'POST', path: pathOf(schedule, given, '/resume'), headers: ifMatch(given) } as const
      return readBody(await ask(request, given), isRevised) as ShownSchedule
    },

    async trigger(schedule, { input, idempotencyKey = randomKey(), ...given } = {}) {
      const headers = idempotencyHeader(idempotencyKey)
      const request = {
        method: 'POST',
        path: pathOf(schedule, given, '/trigger'),
        body: bodyOf({ input }),
        headers,
      } as const
      return readBody(await ask(request, given), isJob)
    },

    async preview(preview, given = {}) {
      const path = `/v1/schedules/preview${queryOf({ tenant: given.tenant })}`
      return readBody(await ask({ method: 'POST', path, body: bodyOf(preview) }, given), isPreview)
    },

    async ticks(schedule, { limit, cursor, from, to, ...given } = {}) {
      const path = pathOf(schedule, given, '/ticks', {
        limit,
        cursor,
        from: timeText('from', from),
        to: timeText('to', to),
      })
      return readBody(await ask({ method: 'GET', path }, given), isPage(isTick))
    },

    async backfill(schedule, { idempotencyKey = randomKey(), tenant, signal, ...range }) {
      const headers = idempotencyHeader(idempotencyKey)
      const path = pathOf(schedule, { tenant }, '/backfill')
      return readBody(await ask({ method: 'POST', path, body: bodyOf(range), headers }, { signal }), isBackfill)
    },
  }
}
