import { isDecimal, type JobStatus, wordsOf } from '@foliot/jobs'
import { type RawBuilder, sql } from 'kysely'
import { withinCalendar } from './days.ts'
import { plainText } from './input-search.ts'
import { tag, tagsOfDurations } from './tags.ts'

/** Which jobs are meant: those that fit everything that is given. Times are in ms since 1970. */
export interface HistoryFilter {
  /** In one of them; an empty list fits no job. */
  queues?: readonly string[]
  /** In one of them; an empty list fits no job. */
  statuses?: readonly JobStatus[]
  /** Only failed and timed out ones that nobody discarded. */
  deadLetters?: boolean
  type?: string
  /** All of them. */
  labels?: readonly { key: string; value: string }[]
  tenant?: string
  scheduleId?: string
  /** Of the last failure, as is the fingerprint. */
  errorKind?: string
  fingerprint?: string
  /** That ran any of its attempts. */
  worker?: string
  /** Made at or after. */
  from?: number
  /** Made before. */
  to?: number
  /** From the start of the last attempt to the end; both bounds fit. */
  minDurationMs?: number
  maxDurationMs?: number
  /**
   * Words that its errors, the reasons of its attempts or the end of its log hold, all of them, in any order. Text without a word
   * fits no job.
   */
  q?: string
  /** What the input holds, all of it. */
  input?: readonly InputCondition[]
}

/** Of the objects along a path; what stands in arrays is not found. */
export interface InputCondition {
  /** Names of fields, from the outermost. */
  path: readonly string[]
  /** A text, or the spelling of a number, of `true`, `false` or `null`: both the text and the value fit. */
  value: string
}

/** The times of a filter, so that PostgreSQL knows them. */
export const timesOf = ({ from, to }: HistoryFilter): { from?: number; to?: number } => ({
  ...(from !== undefined && { from: withinCalendar(from) }),
  ...(to !== undefined && { to: withinCalendar(to) }),
})

type Condition = RawBuilder<boolean>

/** What a filter asks of a row, but for times. */
export interface Conditions {
  /** For rows that are read one by one. Empty if every job fits. */
  ofRow: Condition[]
  /** The same as the one index answers it. */
  ofIndex: Condition[]
  /** What it leaves to be looked at in the rows that it finds. */
  besideIndex: Condition[]
}

export function conditionsOf(filter: HistoryFilter): Conditions {
  const tags = tagConditions(filter)
  const words = filter.q === undefined ? [] : [hasWords(filter.q)]
  const { minDurationMs: min, maxDurationMs: max } = filter
  const duration = [
    ...(min === undefined ? [] : [sql<boolean>`duration_ms >= ${min}`]),
    ...(max === undefined ? [] : [sql<boolean>`duration_ms <= ${max}`]),
  ]
  const input = filter.input ?? []
  return {
    ofRow: [...tags, ...duration, ...input.map(holds), ...words],
    ofIndex: [
      ...tags,
      ...(duration.length === 0 ? [] : [anyOf(tagsOfDurations(min, max))]),
      ...input.map(holdsByIndex),
      ...words,
    ],
    besideIndex: duration,
  }
}

function tagConditions(filter: HistoryFilter): Condition[] {
  const { queues, statuses, deadLetters, type, labels, tenant, scheduleId, errorKind, fingerprint, worker } = filter
  const all = [
    ...(deadLetters ? [tag.dead()] : []),
    ...(type === undefined ? [] : [tag.type(type)]),
    ...(labels ?? []).map(({ key, value }) => tag.label(key, value)),
    ...(tenant === undefined ? [] : [tag.tenant(tenant)]),
    ...(scheduleId === undefined ? [] : [tag.schedule(scheduleId)]),
    ...(errorKind === undefined ? [] : [tag.errorKind(errorKind)]),
    ...(fingerprint === undefined ? [] : [tag.fingerprint(fingerprint)]),
    ...(worker === undefined ? [] : [tag.worker(worker)]),
  ]
  return [
    ...(all.length === 0 ? [] : [sql<boolean>`tags @> ${all}::text[]`]),
    ...(queues === undefined ? [] : [anyOf(queues.map(tag.queue))]),
    ...(statuses === undefined ? [] : [anyOf(statuses.map(tag.status))]),
  ]
}

export const anyOf = (tags: readonly string[]): Condition => sql<boolean>`tags && ${tags}::text[]`

/** PostgreSQL is not asked what a word is: its parser takes `demo.echo`, addresses and numbers with a sign for one each. */
function hasWords(q: string): Condition {
  const wanted = [...wordsOf(q)].map((word) => `'${word}'`)
  return wanted.length === 0 ? sql<boolean>`false` : sql<boolean>`words @@ ${wanted.join(' & ')}::tsquery`
}

/** What a value may be, as JSON. A number goes as it is spelled: as one of JavaScript it could become another. */
const readingsOf = (value: string): string[] => [
  JSON.stringify(plainText(value)),
  ...(isDecimal(value) || ['true', 'false', 'null'].includes(value) ? [value] : []),
]

function holds({ path, value }: InputCondition): Condition {
  const readings = readingsOf(value).map((reading) => {
    const json = path.reduceRight((inner, name) => `{${JSON.stringify(plainText(name))}:${inner}}`, reading)
    return sql<boolean>`input_search @> ${json}::jsonb`
  })
  return sql<boolean>`(${sql.join(readings, sql` or `)})`
}

/** The same as one condition: of two that are joined by `or`, the index would be read twice. */
function holdsByIndex({ path, value }: InputCondition): Condition {
  // Strict, because a lax path looks into arrays. Names and texts in a path are spelled as in JSON.
  const place = `$${path.map((name) => `.${JSON.stringify(plainText(name))}`).join('')}`
  const readings = readingsOf(value).map((reading) => `${place} == ${reading}`)
  return sql<boolean>`input_search @@ ${`strict ${readings.join(' || ')}`}::jsonpath`
}
