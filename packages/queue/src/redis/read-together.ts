import { FoliotError } from '@foliot/jobs'
import type { ChainableCommander } from 'ioredis'

/**
 * Sends what was added to a pipeline in one round trip, and gives the replies. It is no transaction: a Redis that is full
 * refuses those, even of reads.
 *
 * @throws the first error among them, or FoliotError `unavailable`.
 */
export async function readTogether<Replies extends unknown[]>(reads: ChainableCommander): Promise<Replies> {
  const replies = await reads.exec()
  if (!replies) throw new FoliotError('unavailable', 'Redis dropped the connection while it was read')
  for (const [error] of replies) if (error) throw error
  return replies.map(([, value]) => value) as Replies
}
