import { FoliotError } from '@foliot/jobs'
import type { Catalog, JobFilter, JobSearch } from '@foliot/queue'
import type { History } from './history.ts'
import type { Viewer } from './viewer.ts'
import { INPUT_PARAM, type ListQuery, type SearchQuery } from './wire/list.ts'

/**
 * A filter of a query string or a body as the queue package takes it. Every queue, unless one is named; jobs of the viewer's
 * tenant alone.
 *
 * @param history of lists that have one: it may know queues that are no more
 * @throws FoliotError `not_found` for a queue that nobody knows, or `unavailable` if only the history could know it
 */
export async function toFilter(
  query: Omit<ListQuery, 'limit' | 'cursor'>,
  catalog: Catalog,
  viewer: Viewer,
  history?: History,
): Promise<JobFilter> {
  const { type, queue, label, errorKind, fingerprint, from, to, id } = query
  const tenant = viewer.tenant ?? query.tenant
  const isForeign = query.tenant !== undefined && query.tenant !== tenant
  const isLive = queue === undefined || (await isInCatalog(queue, catalog, history))
  if (queue === undefined) await catalog.refresh()
  const colon = label?.indexOf(':') ?? 0
  return {
    queues: isForeign || !isLive ? [] : queue === undefined ? catalog.queues : [queue],
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

/** False for a queue of which the history alone has jobs. */
async function isInCatalog(queue: string, catalog: Catalog, history: History | undefined): Promise<boolean> {
  try {
    await catalog.assertQueue(queue)
    return true
  } catch (error) {
    if (!(error instanceof FoliotError) || error.code !== 'not_found') throw error
    if (!(await history?.hasQueue(queue))) throw error
    return false
  }
}

/** What a list of jobs is asked for. @throws as `toFilter` */
export async function toSearch(
  query: SearchQuery,
  catalog: Catalog,
  viewer: Viewer,
  history?: History,
): Promise<JobSearch> {
  const { status: statuses, scheduleId, worker, minDurationMs, maxDurationMs, q } = query
  const input = Object.entries(query).flatMap(([name, value]) =>
    name.startsWith(INPUT_PARAM) ? { path: name.slice(INPUT_PARAM.length).split('.'), value: String(value) } : [],
  )
  return {
    ...(await toFilter(query as Omit<ListQuery, 'limit' | 'cursor'>, catalog, viewer, history)),
    ...(statuses && { statuses }),
    ...(scheduleId !== undefined && { scheduleId }),
    ...(worker !== undefined && { worker }),
    ...(minDurationMs !== undefined && { minDurationMs }),
    ...(maxDurationMs !== undefined && { maxDurationMs }),
    ...(q !== undefined && { q }),
    ...(input.length > 0 && { input }),
  }
}
