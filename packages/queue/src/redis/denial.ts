import { FoliotError } from '@foliot/jobs'
import type { Redis } from 'ioredis'

/**
 * That Redis is there and lets nobody in with the user and password it was given, as an error that says so; undefined if
 * the error says anything else.
 */
export function denialOf(error: unknown, redis: Redis): FoliotError | undefined {
  if (!(error instanceof Error) || !/^(WRONGPASS|NOAUTH) /.test(error.message)) return undefined
  const { host, port } = redis.options
  const expected = `expected FOLIOT_REDIS_URL to have a user and password that Redis at ${host}:${port} accepts`
  return new FoliotError('unavailable', `${expected}, got its answer "${error.message}"`, { cause: error })
}
