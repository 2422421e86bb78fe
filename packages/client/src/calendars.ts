import { isPage, isRevised, readBody } from './answer.ts'
import type { ChangeOptions, TenantOptions } from './call-options.ts'
import type { ResolvedOptions } from './client-options.ts'
import { assertId, bodyOf, ifMatch, queryOf } from './definition-requests.ts'
import type { CalendarRequest, Page, PutCalendar, ShownCalendar } from './schedule-types.ts'
import type { PageOptions } from './schedules.ts'
import { send, sendDelete } from './send.ts'

/** Its name, or the calendar itself. */
export type CalendarRef = string | Pick<ShownCalendar, 'name' | 'tenant'>

/** The calls about calendars. A key needs the scope `operate` for them, `read` for those that change nothing. */
export interface CalendarCalls {
  /** Makes the calendar, or replaces the whole of it. It then holds for every schedule that names it. */
  put(calendar: CalendarRef, request: CalendarRequest, options?: ChangeOptions): Promise<PutCalendar>
  get(calendar: CalendarRef, options?: TenantOptions): Promise<ShownCalendar>
  /** By tenant, and then by name. */
  list(options?: PageOptions): Promise<Page<ShownCalendar>>
  /** One that a schedule uses rejects with the code `conflict`. */
  delete(calendar: CalendarRef, options?: ChangeOptions): Promise<void>
}

export function calendarCalls(options: ResolvedOptions): CalendarCalls {
  function pathOf(calendar: CalendarRef, { tenant }: TenantOptions): string {
    const { name, tenant: own } = typeof calendar === 'string' ? { name: calendar, tenant: undefined } : calendar
    return `/v1/calendars/${assertId(name, 'name of a calendar')}${queryOf({ tenant: tenant ?? own })}`
  }

  return {
    async put(calendar, request, given = {}) {
      const [headers, body] = [ifMatch(given), bodyOf(request)]
      const repeatable = given.revision === undefined
      const sent = {
        method: 'PUT',
        path: pathOf(calendar, given),
        body,
        headers,
        repeatable,
        signal: given.signal,
      } as const
      return readBody(await send(options, sent), isRevised) as PutCalendar
    },

    async get(calendar, given = {}) {
      const request = { method: 'GET', path: pathOf(calendar, given), repeatable: true, signal: given.signal } as const
      return readBody(await send(options, request), isRevised) as ShownCalendar
    },

    async list({ signal, ...query } = {}) {
      const request = { method: 'GET', path: `/v1/calendars${queryOf(query)}`, repeatable: true, signal } as const
      return readBody(await send(options, request), isPage(isRevised)) as Page<ShownCalendar>
    },

    async delete(calendar, given = {}) {
      const request = { path: pathOf(calendar, given), headers: ifMatch(given), signal: given.signal }
      await sendDelete(options, request)
    },
  }
}
