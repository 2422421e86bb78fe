import { type RedisOptions, type RedisServer, startRedis as startLocalRedis } from '@foliot/local-services'
import { atEndOfFile } from './at-end-of-file.ts'
import { temporaryFolder } from './temporary-folder.ts'

/**
 * A Redis of the test's own, with the project's configuration, for tests that stop, kill, fill or configure it. To
 * start it again with its data, pass `dir` and `port` of the first. It is killed when the test file ends.
 *
 * @param options as of @foliot/local-services. Default of `dir`: a new temporary folder.
 */
export async function startRedis(options: Partial<RedisOptions> = {}): Promise<RedisServer> {
  const server = await startLocalRedis({ ...options, dir: options.dir ?? (await temporaryFolder()) })
  atEndOfFile(() => server.kill())
  return server
}
