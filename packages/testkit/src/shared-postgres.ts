import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type PostgresServer, startPostgres } from '@foliot/local-services'
import { WITHOUT_DISK } from './without-disk.ts'

/** The PostgreSQL that all test files of a run share. It is started when the first of them asks. */
export interface SharedPostgres {
  /** A port of 127.0.0.1 that answers every connection with one line of JSON: `{url}`, or `{error}`. */
  readonly port: number
  /** Ends it, if it was started, and removes its data. */
  stop(): Promise<void>
}

/** As many files at a time as there may be, each with a few apps and their pools. */
const SETTINGS = ['max_connections=400', 'shared_buffers=64MB'].flatMap((setting) => ['-c', setting])

/** A run that needs no database waits for none: nobody knows beforehand which files do. */
export async function offerPostgres(): Promise<SharedPostgres> {
  let dir: string | undefined
  let starting: Promise<PostgresServer> | undefined
  const start = async (): Promise<PostgresServer> => {
    dir = await mkdtemp(join(tmpdir(), 'foliot-test-postgres-'))
    return startPostgres({ dir, args: [...WITHOUT_DISK, ...SETTINGS] })
  }
  const server = createServer(async (socket) => {
    // Who asked may have ended meanwhile.
    socket.on('error', () => socket.destroy())
    starting ??= start()
    const answer = await starting.then(
      ({ url }) => ({ url }),
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
      await (await starting?.catch(() => undefined))?.stop()
      if (dir !== undefined) await rm(dir, { recursive: true, force: true })
    },
  }
}
