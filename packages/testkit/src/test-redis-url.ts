import { askRedis } from '@foliot/local-services'
import { inject } from 'vitest'

/** How many the shared server has. Number 0 holds the count of those handed out. */
export const DATABASES = 512

const COUNT_KEY = 'foliot-testkit:databases-handed-out'

/**
 * The URL of an empty database that nobody else gets, on the Redis that all test files of a run share.
 *
 * Keys are private to a database; the rest of the server is not: pub/sub channels, CONFIG, FLUSHALL, CLIENT KILL and
 * INFO are common to all. Tests about those, or about a Redis that goes away, call `startRedis`.
 */
export async function testRedisUrl(): Promise<string> {
  const port = inject('foliotTestRedisPort')
  const database = Number(await askRedis({ port }, ['INCR', COUNT_KEY]))
  if (database < DATABASES) return `redis://127.0.0.1:${port}/${database}`
  throw new Error(
    `expected at most ${DATABASES - 1} calls of testRedisUrl in one run: call it once per file, not per test, or raise DATABASES`,
  )
}
