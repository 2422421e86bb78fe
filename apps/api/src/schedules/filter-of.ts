import type { ScheduleFilter } from '@foliot/history'

interface Asked {
  tenant?: string | undefined
  type?: string | undefined
  /** `key:value`; the first colon ends the key. */
  label?: string | undefined
  paused?: boolean | undefined
}

/** A filter of a query string or a body as the store takes it. */
export function filterOf({ tenant, type, label, paused }: Asked): ScheduleFilter {
  const colon = label?.indexOf(':') ?? 0
  return {
    ...(tenant !== undefined && { tenant }),
    ...(type !== undefined && { type }),
    ...(label !== undefined && { labels: { [label.slice(0, colon)]: label.slice(colon + 1) } }),
    ...(paused !== undefined && { paused }),
  }
}
