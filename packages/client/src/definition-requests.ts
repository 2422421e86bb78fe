/** The parts of requests about schedules and calendars. */
import type { ChangeOptions } from './call-options.ts'
import type { Time } from './schedule-types.ts'

const ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/

/** Anything else could lead to another path of the api. @throws TypeError */
export function assertId(id: string, what: string): string {
  if (ID.test(id)) return id
  throw new TypeError(`expected the ${what}, got ${JSON.stringify(id)}`)
}

/** What is undefined is left out. */
export function queryOf(query: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  )
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}

/** @throws TypeError if it is no revision. */
export function ifMatch({ revision }: ChangeOptions): Record<string, string> {
  if (revision === undefined) return {}
  if (Number.isSafeInteger(revision) && revision >= 0) return { 'if-match': `"${revision}"` }
  throw new TypeError(`expected \`revision\` to be the number that was read, got ${JSON.stringify(revision)}`)
}

/**
 * The header of an idempotency key. Its characters are the bytes of its UTF-8, as the api reads them.
 *
 * @throws TypeError for a key that a header would change.
 */
export function idempotencyHeader(key: string): Record<string, string> {
  if (!/^[^\s\p{Cc}]([^\p{Cc}]*[^\s\p{Cc}])?$/u.test(key)) {
    throw new TypeError(
      `expected \`idempotencyKey\` to be text without space around it or line breaks, got ${JSON.stringify(key)}`,
    )
  }
  return { 'idempotency-key': String.fromCharCode(...new TextEncoder().encode(key)) }
}

/** As JSON. @throws TypeError for an invalid date, or what is no JSON. */
export function bodyOf(request: object): string {
  for (const [name, value] of Object.entries(request)) if (value instanceof Date) timeText(name, value)
  return JSON.stringify(request)
}

/** @throws TypeError for an invalid date. */
export function timeText(name: string, time: Time | undefined): string | undefined {
  if (!(time instanceof Date)) return time
  if (Number.isNaN(time.getTime())) throw new TypeError(`expected \`${name}\` to be a date, got an invalid one`)
  return time.toISOString()
}
