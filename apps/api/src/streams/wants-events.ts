/** Whether a caller asks for server-sent events by name, and not rather for text. `accept` is the header. */
export function wantsEvents(accept = ''): boolean {
  const weights = new Map(accept.split(',').map(readRange))
  const events = weights.get('text/event-stream') ?? 0
  return events > 0 && events >= (weights.get('text/plain') ?? 0)
}

/** A media range and its weight, from 0 to 1. */
function readRange(text: string): [range: string, weight: number] {
  const [range = '', ...params] = text.split(';').map((part) => part.trim().toLowerCase())
  const q = params.find((param) => param.startsWith('q='))?.slice(2)
  const weight = Number(q ?? 1)
  return [range, weight >= 0 && weight <= 1 ? weight : 0]
}
