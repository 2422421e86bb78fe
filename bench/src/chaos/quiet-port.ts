import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Free ports below those that systems give to outgoing connections. A server that is killed and started again on a port
 * of that range could find it taken: by anybody's connection, even by a client's to itself.
 */
const RANGE = [10_000, 30_000] as const

/** A port of 127.0.0.1 that stays ours in practice while nobody listens on it. */
export async function quietPort(): Promise<number> {
  for (;;) {
    const port = randomInt(...RANGE)
    if (await isFree(port)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false
    throw error
  } finally {
    server.close()
  }
}
