import { scheduleKey } from '@foliot/jobs'
import { Calendar, type CompiledRule, compileRule, describeRule, preview } from '@foliot/schedules'
import type { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { tenantFor } from '../schedules/tenant-of.ts'
import { toMs, withoutUndefined } from '../schedules/to-schedule.ts'
import { json } from '../wire/answer.ts'
import { BODY_PROBLEMS, problems } from '../wire/problem.ts'
import { OfTenant } from '../wire/schedule.ts'
import { Preview, PreviewRequest } from '../wire/schedule-preview.ts'

export function schedulePreviewRoutes(app: Api, { schedules }: ApiDeps): void {
  app.post(
    '/v1/schedules/preview',
    {
      // It changes nothing.
      config: { scope: 'read', audit: false },
      schema: {
        operationId: 'previewSchedule',
        summary: 'See when a rule is due',
        description:
          'The next ticks, and what is skipped before and between them, each with its reason. Nothing is stored.',
        tags: ['schedules'],
        querystring: OfTenant,
        body: PreviewRequest,
        response: { 200: json('What would be.', Preview), ...problems(...BODY_PROBLEMS) },
      },
    },
    async ({ body, query, caller }) => {
      const tenant = tenantFor(caller, query.tenant)
      const { cron, everyMs, timezone, jitterMs, dst, id = 'preview', n } = body
      const fromMs = toMs(body.from) ?? Date.now()
      const { calendars, uses } = await calendarsOf(body.calendars, (names) => schedules.calendars(tenant, names))
      const rule = compileRule(
        {
          id: scheduleKey({ tenant, id }),
          cron,
          everyMs,
          at: toMs(body.at),
          timezone,
          startAt: toMs(body.startAt),
          endAt: toMs(body.endAt),
          jitterMs,
          dst: dst && withoutUndefined(dst),
          // As if it were made then.
          anchor: everyMs !== undefined && body.startAt === undefined ? fromMs : undefined,
          calendars: uses,
        },
        calendars,
      )
      const items = preview(rule, fromMs, n).map((entry) => ({
        kind: entry.kind,
        scheduledFor: iso(entry.nominal),
        ...(entry.kind === 'tick' && { due: iso(entry.due) }),
        local: localTime(rule, entry.kind === 'tick' ? entry.due : entry.nominal),
        ...(entry.explanation !== undefined && { explanation: entry.explanation }),
      }))
      return { description: describeRule(rule), warnings: [...rule.warnings], items }
    },
  )
}

type Asked = z.output<typeof PreviewRequest>['calendars']

type Inline = Extract<Asked[number], { dates: string[] }>

const isInline = (use: object): use is Inline => 'dates' in use

/** Those with what they hold as they are, the others from the store. */
async function calendarsOf(asked: Asked, read: (names: string[]) => Promise<Map<string, Calendar>>) {
  const all = asked.map((use) => (typeof use === 'string' ? { name: use, mode: 'exclude' as const } : use))
  const inline = all.filter(isInline)
  const calendars = await read(all.flatMap((use) => (isInline(use) ? [] : [use.name])))
  for (const use of inline) calendars.set(use.name, new Calendar(use))
  return { calendars, uses: all.map(({ name, mode }) => ({ name, mode })) }
}

const iso = (ms: number): string => new Date(ms).toISOString()

/** As RFC 3339 in the zone of the rule: `2027-03-28T03:00:00+02:00`. Offsets of long ago that have seconds are cut. */
function localTime({ zone }: CompiledRule, ms: number): string {
  const minutes = Math.trunc((zone.localTime(ms) - ms) / 60_000)
  const two = (n: number) => String(n).padStart(2, '0')
  const offset = `${minutes < 0 ? '-' : '+'}${two(Math.trunc(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`
  return iso(ms + minutes * 60_000).replace(/(\.000)?Z$/, offset)
}
