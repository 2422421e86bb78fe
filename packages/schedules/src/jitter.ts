/** A number for a schedule's id; the same for ever, as jitter depends on it (FNV-1a). */
export function seedOf(scheduleId: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < scheduleId.length; i += 1) hash = Math.imul(hash ^ scheduleId.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** A whole number from 0 to `maxMs` that looks random and is always the same for a seed and an instant. */
export function jitterMs(seed: number, ms: number, maxMs: number): number {
  let mixed = seed ^ Math.imul(Math.floor(ms / 2 ** 32), 0x9e3779b1) ^ (ms | 0)
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return Math.floor((((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32) * (maxMs + 1))
}
