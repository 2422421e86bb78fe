/**
 * Reads a `Retry-After` header, a number of seconds or an HTTP date, as milliseconds from now. Undefined if there is
 * none or it is neither.
 */
export function parseRetryAfter(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined
  if (/^\d+$/.test(text)) return Number(text) * 1000
  // Date.parse reads far more than HTTP dates, and reads what names no zone as local time.
  const at = text.endsWith(' GMT') ? Date.parse(text) : Number.NaN
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs)
}
