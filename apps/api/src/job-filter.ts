import type { Catalog, JobFilter } from '@foliot/queue'
import type { ListQuery } from './wire/list.ts'

/** A filter of a query string or a body as the queue package takes it. Every queue, unless one is named. */
export async function toFilter(query: Omit<ListQuery, 'limit' | 'cursor'>, catalog: Catalog): Promise<JobFilter> {
  const { type, queue, label, errorKind, fingerprint, from, to, id } = query
  if (queue !== undefined) await catalog.assertQueue(queue)
  else await catalog.refresh()
  const colon = label?.indexOf(':') ?? 0
  return {
    queues: queue === undefined ? catalog.queues : [queue],
    ...(type !== undefined && { type }),
    ...(label !== undefined && { label: { key: label.slice(0, colon), value: label.slice(colon + 1) } }),
    ...(errorKind !== undefined && { errorKind }),
    ...(fingerprint !== undefined && { fingerprint }),
    ...(from !== undefined && { from: Date.parse(from) }),
    ...(to !== undefined && { to: Date.parse(to) }),
    ...(id !== undefined && { ids: new Set(id) }),
  }
}
