/** How far the events of each queue were told: the position of the last one, by the name of the queue. */
export type EventPositions = Map<string, string>

/** As the id of an event: `demo=1795288456213-0,mail=1795288456000-3`. */
export const writePositions = (positions: EventPositions): string =>
  Array.from(positions, ([queue, position]) => `${queue}=${position}`).join(',')

// Of a queue, or of schedules.
const PART = /^([a-z0-9][a-z0-9._-]{0,63}|~schedules)=(\d{1,15}-\d{1,15})$/

/** Undefined for what no stream has sent. */
export function readPositions(text: string): EventPositions | undefined {
  const parts = text.split(',').map((part) => PART.exec(part))
  const positions: EventPositions = new Map(parts.map((part) => [part?.[1] ?? '', part?.[2] ?? '']))
  return positions.has('') || positions.size < parts.length ? undefined : positions
}
