// The position of an event in the stream of its queue: `<ms since 1970>-<number>`.

/** Negative if `a` stands before `b`. */
export function comparePositions(a: string, b: string): number {
  const [ms, number] = partsOf(a)
  const [otherMs, otherNumber] = partsOf(b)
  return ms - otherMs || number - otherNumber
}

/** When the event happened, in ms since 1970 by Redis' clock. */
export const timeOfPosition = (position: string): number => partsOf(position)[0]

function partsOf(position: string): [ms: number, number: number] {
  const dash = position.indexOf('-')
  return [Number(position.slice(0, dash)), Number(position.slice(dash + 1))]
}
