import { createHash } from 'node:crypto'

/**
 * The id of the job of a tick: always the same for a schedule and an instant. A UUIDv8 (RFC 9562 §5.8): 48 bits of the instant in
 * ms, like a UUIDv7, then 74 bits of a SHA-256 of all of it.
 *
 * @param key of the schedule, see `scheduleKey`
 * @param salt tells jobs of the same tick apart that are made on purpose, such as those of a backfill
 */
export function tickJobId(key: string, tickMs: number, salt = ''): string {
  const name = createHash('sha256').update(`${key}\0${tickMs}\0${salt}`).digest('hex')
  const time = tickMs.toString(16).padStart(12, '0')
  const variant = (8 + (Number.parseInt(name[3] as string, 16) & 3)).toString(16)
  return `${time.slice(0, 8)}-${time.slice(8)}-8${name.slice(0, 3)}-${variant}${name.slice(4, 7)}-${name.slice(7, 19)}`
}
