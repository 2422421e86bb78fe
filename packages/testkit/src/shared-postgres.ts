import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '@foliot/local-services'
import { copyFolder } from './copy-folder.ts'
import { WITHOUT_DISK } from './without-disk.ts'

/** What test files get when they ask. */
export interface Offer {
  /** Of the server that all of them share. */
  url: string
  /** The folder of one that is stopped and has no data yet, to be copied: making another one takes a second. */
  cluster: string
}

/** The PostgreSQL that all test files of a run share. It is started when the first of them asks. */
export interface SharedPostgres {
  /** A port of 127.0.0.1 that answers every connection with one line of JSON: an `Offer`, or `{error}`. */
  readonly port: number
  /** Ends it, if it was started, and removes its data. */
  stop(): Promise<void>
}

/** As many files at a time as there may be, each with a few apps and their pools. */
const SETTINGS = ['max_connections=400', 'shared_buffers=64MB'].flatMap((setting) => ['-c', setting])

/** A run that needs no database waits for none: nobody knows beforehand which files do. */
export async function offerPostgres(): Promise<SharedPostgres> {
  let dir: string | undefined
  let starting: ReturnType<typeof start> | undefined
  const start = async () => {
    dir = await mkdtemp(join(tmpdir(), 'foliot-test-postgres-'))
    const [cluster, shared] = [join(dir, 'cluster'), join(dir, 'shared')]
    const first = await startPostgres({ dir: cluster, args: WITHOUT_DISK })
    await first.stop()
    await copyFolder(cluster, shared)
    return { cluster, postgres: await startPostgres({ dir: shared, args: [...WITHOUT_DISK, ...SETTINGS] }) }
  }
  const server = createServer(async (socket) => {
    // Who asked may have ended meanwhile.
    socket.on('error', () => socket.destroy())
    starting ??= start()
    const answer = await starting.then(
      ({ cluster, postgres }): Offer => ({ url: postgres.url, cluster }),
      ({ message }: Error) => ({ error: message }),
    )
    socket.end(`${JSON.stringify(answer)}\n`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      server.close()
      // What kept it from starting was the answer to who asked.
      await (await starting?.catch(() => undefined))?.postgres.stop()
      if (dir !== undefined) await rm(dir, { recursive: true, force: true })
    },
  }
}
