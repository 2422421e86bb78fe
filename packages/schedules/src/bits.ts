/**
 * A set of small numbers as the bits of an integer: bit n stands for n, up to 31. Sets of sixty take two. A schedule has
 * seven such sets, and a scheduler hundreds of thousands of schedules.
 */
export const bit = (n: number): number => 1 << n

/** The smallest number of the set that is at least `from`; -1 if there is none. `from` may be 32. */
export function nextBit(set: number, from: number): number {
  if (from > 31) return -1
  const rest = set & (-1 << from)
  return rest === 0 ? -1 : 31 - Math.clz32(rest & -rest)
}

/** A set of numbers from 0 to 59. */
export interface Sixty {
  /** 0 to 29. */
  readonly low: number
  /** 30 to 59, from bit 0. */
  readonly high: number
}

export function sixtyOf(has: (n: number) => boolean): Sixty {
  let low = 0
  let high = 0
  for (let n = 0; n < 30; n += 1) {
    if (has(n)) low |= bit(n)
    if (has(n + 30)) high |= bit(n)
  }
  return { low, high }
}

/** As `nextBit`. */
export function nextOfSixty({ low, high }: Sixty, from: number): number {
  const inLow = from < 30 ? nextBit(low, from) : -1
  if (inLow !== -1) return inLow
  const inHigh = nextBit(high, Math.max(0, from - 30))
  return inHigh === -1 ? -1 : inHigh + 30
}

/** All members, ascending. */
export function membersOf(next: (from: number) => number): number[] {
  const members: number[] = []
  for (let n = next(0); n !== -1; n = next(n + 1)) members.push(n)
  return members
}
