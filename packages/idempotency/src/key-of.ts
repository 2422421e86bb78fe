import { checkText, invalid } from './checks.ts'

/** What makes an operation one of its kind. */
export interface KeyParts {
  /** What it is done to, such as an order's number. 1 to 256 characters. */
  readonly businessId: string
  /** What is done, such as `refund`. 1 to 256 characters. */
  readonly operation: string
  /** The instant it is done for: a Date, or whole milliseconds since 1970. */
  readonly time: Date | number
  /** Tells apart what is otherwise the same: a whole number from 0. */
  readonly sequence: number
}

const TEXT_MAX_LENGTH = 256

/** The farthest instant a Date can hold. */
const TIME_MAX = 8.64e15

/**
 * The key `businessId:operation:time:sequence`, with the time in milliseconds since 1970. Colons, percent signs and
 * control characters within a part are percent-encoded, so that different parts never make the same key.
 *
 * @throws FoliotError `validation_failed` naming the part.
 * @example keyOf({ businessId: 'order-7', operation: 'refund', time: 1_700_000_000_000, sequence: 0 })
 */
export function keyOf({ businessId, operation, time, sequence }: KeyParts): string {
  return [encode('businessId', businessId), encode('operation', operation), toMs(time), toCount(sequence)].join(':')
}

function encode(name: string, text: string): string {
  checkText(name, text, TEXT_MAX_LENGTH)
  return text.replace(/[%:\p{Cc}]/gu, (character) => encodeURIComponent(character))
}

function toMs(time: Date | number): number {
  const ms = time instanceof Date ? time.getTime() : time
  if (Number.isInteger(ms) && Math.abs(ms) <= TIME_MAX) return ms
  throw invalid('time', 'a valid Date or whole milliseconds since 1970', time)
}

function toCount(sequence: number): number {
  if (Number.isSafeInteger(sequence) && sequence >= 0) return sequence
  throw invalid('sequence', 'a whole number from 0', sequence)
}
