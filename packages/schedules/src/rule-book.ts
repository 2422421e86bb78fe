import { type Schedule, type StoredCalendar, scheduleKey } from '@foliot/jobs'
import { Calendar } from './calendar.ts'
import { compileRule } from './compile-rule.ts'
import type { CompiledRule, RuleDefinition } from './rule.ts'

/** The rules of schedules, with the calendars of their tenants. */
export class RuleBook {
  #calendars: ReadonlyMap<string, StoredCalendar> = new Map()
  /** By tenant and name, those that were asked for. */
  readonly #compiled = new Map<string, Calendar>()

  /** @param calendars by tenant and name */
  take(calendars: ReadonlyMap<string, StoredCalendar>): void {
    this.#calendars = calendars
    this.#compiled.clear()
  }

  /** @throws FoliotError validation_failed, such as for a calendar that is no more */
  compile(schedule: Schedule): CompiledRule {
    const { cron, everyMs, at, anchor, timezone, startAt, endAt, jitterMs, dst, calendars } = schedule
    const definition: RuleDefinition = {
      // Jitter goes by it, and is another in each tenant.
      id: scheduleKey(schedule),
      ...(cron !== undefined && { cron, dst }),
      ...(everyMs !== undefined && { everyMs, anchor }),
      ...(at !== undefined && { at }),
      ...{ timezone, startAt, endAt, jitterMs, calendars },
    }
    return calendars ? compileRule(definition, this.#calendarsOf(schedule)) : compileRule(definition)
  }

  #calendarsOf({ tenant, calendars = [] }: Schedule): Map<string, Calendar> {
    const found = new Map<string, Calendar>()
    for (const { name } of calendars) {
      const key = scheduleKey({ tenant, id: name })
      const stored = this.#calendars.get(key)
      if (!stored) continue
      const calendar = this.#compiled.get(key) ?? new Calendar(stored)
      this.#compiled.set(key, calendar)
      found.set(name, calendar)
    }
    return found
  }
}
