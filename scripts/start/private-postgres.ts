import { type PostgresServer, startPostgres } from '@foliot/local-services'
import { type KeptChild, keepRunning } from './keep-running.ts'
import { toChild } from './local-child.ts'

/** The PostgreSQL that the apps use. */
export interface ChosenPostgres {
  url: string
  /** Where its data is, if it is ours. */
  dir?: string
  /** The server, if it is ours to run and to stop. */
  server?: KeptChild
}

/** When we are killed it is still there for the apps while they finish. */
const LINGER_MS = 30_000

/**
 * The PostgreSQL at `url`, or else a private one on a free port, with its data in `dir`, started again if it dies.
 * Foliot runs without one, only that it remembers nothing: undefined if none can be started, and `say` was told why.
 */
export async function choosePostgres(
  url: string | undefined,
  dir: string,
  say: (line: string) => void,
): Promise<ChosenPostgres | undefined> {
  if (url !== undefined) return { url }
  const start = (port?: number): Promise<PostgresServer> =>
    startPostgres({ dir, lingerMs: LINGER_MS, ...(port !== undefined && { port }) })
  let first: PostgresServer
  try {
    first = await start()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    say(`PostgreSQL could not be started, so this Foliot keeps no history. The reason:\n${why}`)
    return undefined
  }
  const kept = keepRunning({
    name: 'postgres',
    first: toChild(first),
    // The apps know it by this port.
    restart: async () => toChild(await start(first.port)),
    say,
  })
  return { url: first.url, dir: first.dir, server: kept }
}
