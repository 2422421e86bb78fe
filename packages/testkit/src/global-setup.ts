import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRedis } from '@foliot/local-services'
import type { TestProject } from 'vitest/node'
import { offerPostgres } from './shared-postgres.ts'
import { DATABASES } from './test-redis-url.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The port of the Redis that all test files of a run share. */
    foliotTestRedisPort: number
    /** The port that tells the URL of the PostgreSQL that all test files of a run share. */
    foliotTestPostgresPort: number
  }
}

/** Vitest runs this once before all test files: it starts what they share, and removes it after the last one. */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const dir = await mkdtemp(join(tmpdir(), 'foliot-test-redis-'))
  // The data is thrown away, so nothing is gained by writing it to the disk. Durability tests start their own server.
  const redis = await startRedis({ dir, args: ['--databases', String(DATABASES), '--appendonly', 'no'] })
  provide('foliotTestRedisPort', redis.port)
  const postgres = await offerPostgres()
  provide('foliotTestPostgresPort', postgres.port)
  return async () => {
    await Promise.all([redis.kill(), postgres.stop()])
    await rm(dir, { recursive: true, force: true })
  }
}
