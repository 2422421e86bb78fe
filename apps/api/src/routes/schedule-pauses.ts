import { isScheduleId, type Schedule } from '@foliot/jobs'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { answerWith } from '../schedules/answer-schedule.ts'
import { askedOf } from '../schedules/asked-of.ts'
import { filterOf } from '../schedules/filter-of.ts'
import { noSuchSchedule } from '../schedules/no-such.ts'
import { pauseOf } from '../schedules/note-schedule.ts'
import { etagHeader, ifMatchHeader, preconditionOf } from '../schedules/preconditions.ts'
import { tenantOf } from '../schedules/tenant-of.ts'
import { assertPauseToCome, sinceNow, toMs } from '../schedules/to-schedule.ts'
import { json } from '../wire/answer.ts'
import { BODY_PROBLEMS, problems } from '../wire/problem.ts'
import { OfTenant, Schedule as ScheduleAnswer } from '../wire/schedule.ts'
import * as wire from '../wire/schedule-moves.ts'

const tags = ['schedules']

/** So many of those that were changed are named in the audit. */
const SAMPLE = 10

/** What a schedule is to be; undefined: as it is. */
type Turn = (before: Schedule, revision: number) => Schedule | undefined

interface PauseRequest {
  reason?: string | undefined
  until?: string | undefined
}

/** @throws FoliotError `validation_failed` for an end that is over */
function toPaused({ reason, until }: PauseRequest): Turn {
  const pausedUntil = toMs(until)
  if (pausedUntil !== undefined) assertPauseToCome('/until', pausedUntil, Date.now())
  return (before, revision) => {
    const isSo = before.paused && before.pausedReason === reason && before.pausedUntil === pausedUntil
    if (isSo) return undefined
    return {
      ...withoutPause(before),
      paused: true,
      ...(reason !== undefined && { pausedReason: reason }),
      ...(pausedUntil !== undefined && { pausedUntil }),
      revision,
      ...sinceNow(before, Date.now()),
    }
  }
}

const toResumed: Turn = (before, revision) =>
  before.paused ? { ...withoutPause(before), paused: false, revision, ...sinceNow(before, Date.now()) } : undefined

function withoutPause({ paused, pausedReason, pausedUntil, ...schedule }: Schedule): Omit<Schedule, 'paused'> {
  return schedule
}

const SWITCHES = {
  pause: {
    one: 'Pause a schedule',
    many: 'Pause many schedules',
    description:
      'Its ticks are skipped, each with the reason; what has begun goes on. One that is paused is paused anew, as is said now.',
    body: wire.PauseSchedule,
    bulk: wire.PauseSchedules,
    turn: toPaused,
  },
  resume: {
    one: 'Resume a schedule',
    many: 'Resume many schedules',
    description: 'It goes on with the next tick that is due. One that is not paused stays so.',
    body: undefined,
    bulk: wire.ResumeSchedules,
    turn: () => toResumed,
  },
}

export function schedulePauseRoutes(app: Api, deps: ApiDeps): void {
  const { schedules } = deps

  for (const [verb, { one, many, description, body, bulk, turn }] of Object.entries(SWITCHES)) {
    app.post(
      `/v1/schedules/:id/${verb}`,
      {
        config: { scope: 'operate', audit: { action: `schedule.${verb}`, asked: askedOf } },
        schema: {
          operationId: `${verb}Schedule`,
          summary: one,
          description,
          tags,
          params: z.object({ id: z.string() }),
          querystring: OfTenant,
          headers: ifMatchHeader,
          ...(body && { body }),
          response: {
            200: { ...json('The schedule as it is now.', ScheduleAnswer), headers: etagHeader },
            ...problems(...BODY_PROBLEMS, 'not_found', 'precondition_failed'),
          },
        },
      },
      async (request, reply) => {
        const { params, query, caller, audit } = request
        const ref = { tenant: tenantOf(caller, query.tenant, () => noSuchSchedule(params.id)), id: params.id }
        audit.target.tenant = ref.tenant
        if (!isScheduleId(ref.id)) throw noSuchSchedule(ref.id)
        const assertMay = preconditionOf(request)
        const turned = turn((request.body as PauseRequest | null | undefined) ?? {})
        const { before, after } = await schedules.put(ref, (before, revision) => {
          if (!before) throw noSuchSchedule(ref.id)
          assertMay(before)
          return turned(before, revision)
        })
        audit.before = pauseOf(before as Schedule)
        audit.after = pauseOf(after as Schedule)
        return answerWith(after as Schedule, reply as FastifyReply, deps)
      },
    )

    app.post(
      `/v1/schedules/${verb}`,
      {
        config: { scope: 'operate', audit: { action: `schedules.${verb}`, asked: askedOf } },
        schema: {
          operationId: `${verb}Schedules`,
          summary: many,
          description:
            'All that fit the filter, however many: very many take a while, and are changed one part after the other. If one ' +
            'fails those before it are changed, and the same request again does the rest.',
          tags,
          body: bulk,
          response: {
            200: json('How many were changed.', wire.ChangedSchedules),
            ...problems(...BODY_PROBLEMS),
          },
        },
      },
      async ({ body, caller, audit }) => {
        const { filter, ...how } = body as z.output<typeof wire.PauseSchedules>
        const tenant = caller.tenant ?? filter.tenant
        audit.target.tenant = tenant ?? null
        const turned = turn(how)
        // Of other tenants it sees none, and is told nothing of them.
        const isForeign = filter.tenant !== undefined && filter.tenant !== tenant
        const done = { changed: 0, sample: [] as string[] }
        if (isForeign) audit.after = done
        else {
          for await (const changed of schedules.changeAll(filterOf({ ...filter, tenant }), turned)) {
            done.changed += changed.length
            done.sample.push(...changed.slice(0, SAMPLE - done.sample.length).map(({ id }) => id))
            // Also if it fails half-way.
            audit.after = done
          }
        }
        return { changed: done.changed }
      },
    )
  }
}
