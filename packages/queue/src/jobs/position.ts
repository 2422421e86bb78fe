/** A place among jobs in the order of a time: a time in ms since 1970, and an id among those of that millisecond. */
export interface Position {
  at: number
  id: string
}

/** Positions from ids and times in turn, as Redis gives them. */
export const toPositions = (flat: readonly string[]): Position[] =>
  Array.from({ length: flat.length / 2 }, (_, i) => ({ id: flat[2 * i] as string, at: Number(flat[2 * i + 1]) }))

/** For `sort`: the newest first, and of one millisecond the greatest id, which is how Redis orders them too. */
export const newestFirst = (a: Position, b: Position): number => b.at - a.at || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0)
