/** Numbers that follow from a seed alone, so that a run can be played again. */
export interface Random {
  /** From 0 up to, but not including, 1. */
  next(): number
  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number
  /** One of the entries; an entry of weight 2 comes twice as often as one of weight 1. */
  pick<T extends { readonly weight: number }>(entries: readonly T[]): T
}

/**
 * @param seed a whole number
 * @param stream a name. Streams of one seed do not depend on each other, however much is drawn from each.
 */
export function seededRandom(seed: number, stream: string): Random {
  const next = mulberry32(seed ^ hashOf(stream))
  return {
    next,
    between: (min, max) => min + Math.floor(next() * (max - min + 1)),
    pick(entries) {
      let left = next() * entries.reduce((sum, { weight }) => sum + weight, 0)
      for (const entry of entries) {
        left -= entry.weight
        if (left < 0) return entry
      }
      throw new RangeError('expected entries with weights above 0, got none')
    },
  }
}

/** Mulberry32, by Tommy Ettinger: https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let z = Math.imul(state ^ (state >>> 15), state | 1)
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61)
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32
  }
}

/** FNV-1a over UTF-16 units: enough to tell a handful of names apart. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash
}
