const BASE_MS = 250
const MAX_MS = 10_000

/** A server that wants to be left alone for longer than this is not waited for: its error goes to the caller. */
export const PATIENCE_MS = 60_000

/**
 * How long to wait before retry `n` (1 for the first): what the server asked for plus jitter, or an exponential delay
 * (250 ms by 2, at most 10 s) of which the upper half is jitter.
 */
export function retryDelay(n: number, retryAfterMs: number | undefined, random: () => number): number {
  const backoff = Math.min(MAX_MS, BASE_MS * 2 ** (n - 1))
  return retryAfterMs === undefined ? backoff * (0.5 + 0.5 * random()) : retryAfterMs + backoff * random()
}

/**
 * Reads a `Retry-After` header: seconds or an HTTP date.
 *
 * @returns milliseconds from now; undefined if there is no such header or it is neither.
 */
export function parseRetryAfter(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined
  if (/^\d+$/.test(header)) return Number(header) * 1000
  const at = header.endsWith('GMT') ? Date.parse(header) : Number.NaN
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs)
}
