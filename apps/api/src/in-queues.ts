import { FoliotError } from '@foliot/jobs'
import type { Catalog } from '@foliot/queue'

/**
 * Looks for a job in every queue, also in one that is newer than what the catalog was last told.
 *
 * @throws what `look` throws
 */
export async function inQueues<T>(catalog: Catalog, look: (queues: readonly string[]) => Promise<T>): Promise<T> {
  const known = catalog.queues
  try {
    return await look(known)
  } catch (error) {
    if (!(error instanceof FoliotError) || error.code !== 'not_found') throw error
    await catalog.refresh()
    return look(catalog.queues.filter((queue) => !known.includes(queue)))
  }
}
