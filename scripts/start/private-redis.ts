import { findRedisServer, startRedis } from '@foliot/local-services'
import { type KeptChild, keepRunning } from './keep-running.ts'
import { toChild } from './local-child.ts'

/** The Redis that the apps use. */
export interface ChosenRedis {
  url: string
  /** Where its data is, if it is ours. */
  dir?: string
  /** The server, if it is ours to run and to stop. */
  server?: KeptChild
}

/** When we are killed it is still there for the apps while they finish. */
const LINGER_MS = 30_000

/** The Redis at `url`, or else a private one on a free port, with its data in `dir`, started again if it dies. */
export async function chooseRedis(
  url: string | undefined,
  dir: string,
  say: (line: string) => void,
): Promise<ChosenRedis> {
  if (url !== undefined) return { url }
  const server = await findRedisServer({ say })
  const first = await startRedis({ dir, server, lingerMs: LINGER_MS })
  const kept = keepRunning({
    name: 'redis',
    first: toChild(first),
    // The apps know it by this port.
    restart: async () => toChild(await startRedis({ dir, server, port: first.port, lingerMs: LINGER_MS })),
    say,
  })
  return { url: first.url, dir: first.dir, server: kept }
}
