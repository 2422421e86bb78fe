import { type RedisOptions, type RedisServer, startRedis as startLocalRedis } from '@foliot/local-services'
import { atEndOfFile } from './at-end-of-file.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** Where the disk is busy, a Redis that is killed may lose its last two seconds otherwise, and a test what it goes on with. */
const KEPT = ['--appendfsync', 'always']

/**
 * A Redis of the test's own, with the project's configuration but for `appendfsync`, for tests that stop, kill, fill or
 * configure it. To start it again with its data, pass `dir` and `port` of the first. It is killed when the test file ends.
 *
 * @param options as of @foliot/local-services; `args` win. Default of `dir`: a new temporary folder.
 */
export async function startRedis(options: Partial<RedisOptions> = {}): Promise<RedisServer> {
  const { dir = await temporaryFolder(), args = [] } = options
  const server = await startLocalRedis({ ...options, dir, args: [...KEPT, ...args] })
  atEndOfFile(() => server.kill())
  return server
}
