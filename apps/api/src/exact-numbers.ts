import { decimalOf } from '@foliot/jobs'

/** A number as it was sent, where JavaScript would take it for another one: 12345678901234567890 or 1e-400. */
export class ExactNumber {
  /** Its digits without zeros at either end, and an exponent: two are equal if these are. */
  readonly decimal: string

  constructor(decimal: string) {
    this.decimal = decimal
  }
}

/**
 * The value with each number that JavaScript would round as an `ExactNumber`.
 *
 * @param text `value` as JSON
 */
export const withExactNumbers = (value: unknown, text: string): unknown =>
  MAY_BE_ROUNDED.test(text) ? JSON.parse(text, toExact as (key: string, value: unknown) => unknown) : value

/** Whatever has at most 15 digits and is not close to zero can be told from all its like. */
const MAY_BE_ROUNDED = /[\d.]{16}|[eE]-\d{3}/

function toExact(_key: string, value: unknown, { source }: { source?: string }): unknown {
  if (typeof value !== 'number' || source === undefined) return value
  const kept = String(value)
  if (kept === source) return value
  const sent = decimalOf(source)
  return sent === decimalOf(kept) ? value : new ExactNumber(sent)
}
