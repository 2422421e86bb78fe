import type { Catalog, JobFilter, JobSearch } from '@foliot/queue'
import type { Viewer } from './viewer.ts'
import { INPUT_PARAM, type ListQuery, type SearchQuery } from './wire/list.ts'

/**
 * A filter of a query string or a body as the queue package takes it. Every queue, unless one is named; jobs of the viewer's
 * tenant alone.
 */
export async function toFilter(
  query: Omit<ListQuery, 'limit' | 'cursor'>,
  catalog: Catalog,
  viewer: Viewer,
): Promise<JobFilter> {
  const { type, queue, label, errorKind, fingerprint, from, to, id } = query
  const tenant = viewer.tenant ?? query.tenant
  const isForeign = query.tenant !== undefined && query.tenant !== tenant
  if (queue !== undefined) await catalog.assertQueue(queue)
  else await catalog.refresh()
  const colon = label?.indexOf(':') ?? 0
  return {
    queues: isForeign ? [] : queue === undefined ? catalog.queues : [queue],
    ...(queue !== undefined && { queue }),
    ...(tenant !== undefined && { tenant }),
    ...(type !== undefined && { type }),
    ...(label !== undefined && { label: { key: label.slice(0, colon), value: label.slice(colon + 1) } }),
    ...(errorKind !== undefined && { errorKind }),
    ...(fingerprint !== undefined && { fingerprint }),
    ...(from !== undefined && { from: Date.parse(from) }),
    ...(to !== undefined && { to: Date.parse(to) }),
    // Of another tenant it may see none.
    ...(isForeign ? { ids: new Set<string>() } : id !== undefined && { ids: new Set(id) }),
  }
}

/** What a list of jobs is asked for. */
export async function toSearch(query: SearchQuery, catalog: Catalog, viewer: Viewer): Promise<JobSearch> {
  const { status: statuses, scheduleId, worker, minDurationMs, maxDurationMs, q } = query
  const input = Object.entries(query).flatMap(([name, value]) =>
    name.startsWith(INPUT_PARAM) ? { path: name.slice(INPUT_PARAM.length).split('.'), value: String(value) } : [],
  )
  return {
    ...(await toFilter(query as Omit<ListQuery, 'limit' | 'cursor'>, catalog, viewer)),
    ...(statuses && { statuses }),
    ...(scheduleId !== undefined && { scheduleId }),
    ...(worker !== undefined && { worker }),
    ...(minDurationMs !== undefined && { minDurationMs }),
    ...(maxDurationMs !== undefined && { maxDurationMs }),
    ...(q !== undefined && { q }),
    ...(input.length > 0 && { input }),
  }
}
