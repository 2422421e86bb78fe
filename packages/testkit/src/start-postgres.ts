import { type PostgresOptions, type PostgresServer, startPostgres as startLocalPostgres } from '@foliot/local-services'
import { atEndOfFile } from './at-end-of-file.ts'
import { copyFolder } from './copy-folder.ts'
import { offeredPostgres } from './offered-postgres.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { WITHOUT_DISK } from './without-disk.ts'

/**
 * A PostgreSQL of the test's own, for tests that stop, kill or configure it. To start it again with its data, pass
 * `dir` and `port` of the first. It is stopped when the test file ends.
 *
 * @param options as of @foliot/local-services. Default of `dir`: a new temporary folder, with a copy of data that is made
 * once per run. It is never waited for the disk; what it has acknowledged survives a kill all the same.
 */
export async function startPostgres(options: Partial<PostgresOptions> = {}): Promise<PostgresServer> {
  const args = [...WITHOUT_DISK, ...(options.args ?? [])]
  const server = await startLocalPostgres({ ...options, args, dir: options.dir ?? (await newCluster()) })
  // Killed, it would leave a segment of shared memory behind, until the next start on its data.
  atEndOfFile(() => server.stop())
  return server
}

async function newCluster(): Promise<string> {
  const dir = await temporaryFolder()
  await copyFolder((await offeredPostgres()).cluster, dir)
  return dir
}
