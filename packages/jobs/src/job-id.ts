import { randomFillSync } from 'node:crypto'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Whether the text has the form of a job id: a UUID in lower case. Nothing else is ever put into a key of Redis. */
export const isJobId = (text: string): boolean => UUID.test(text)

// A call to the system's generator costs more than the rest of an id, so 256 ids share one.
const pool = Buffer.allocUnsafe(10 * 256)
let used = pool.length

/** Counts the ids of one millisecond: it starts anew at random in the lower half of its 12 bits. */
let counter = 0
let countedMs = -1

/**
 * Makes a UUIDv7 (RFC 9562 §5.7): 48 bits of time in ms, a counter of 12 bits (§6.2, method 1), 62 random bits. Ids that one
 * process makes for the same or later times sort in the order in which they were made, up to 2048 of a millisecond.
 */
export function newJobId(nowMs: number): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const random = pool.toString('hex', used, used + 10)
  used += 10
  const goesOn = nowMs === countedMs && counter < 0xfff
  counter = goesOn ? counter + 1 : Number.parseInt(random.slice(0, 3), 16) & 0x7ff
  countedMs = nowMs
  const time = nowMs.toString(16).padStart(12, '0')
  const count = counter.toString(16).padStart(3, '0')
  const variant = (8 + (Number.parseInt(random[3] as string, 16) & 3)).toString(16)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${count}-${variant}${random.slice(4, 7)}-${random.slice(7, 19)}`
}
