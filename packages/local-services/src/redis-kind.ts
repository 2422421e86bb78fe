import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { askRedis, RedisReplyError } from './ask-redis.ts'
import { endProcess } from './end-process.ts'
import { redisPid } from './redis-pid.ts'
import type { ServerKind } from './server-kind.ts'

const CLAIM_FILE = 'redis.json'

export const redisKind: ServerKind = { name: 'Redis', claimFile: CLAIM_FILE, startMs: 2000, serverOn, end }

/** The process id of the Redis that listens on `port`, if its data is in `dir`. A port that was reused is not ours. */
async function serverOn(dir: string, port: number): Promise<number | undefined> {
  try {
    const reply = await askRedis({ port }, ['CONFIG', 'GET', 'dir'])
    const served = Array.isArray(reply) ? reply[1] : undefined
    if (typeof served !== 'string' || (await realpath(served)) !== (await realpath(dir))) return undefined
    return await redisPid(port)
  } catch (error) {
    if (!(error instanceof RedisReplyError)) return undefined
    throw new Error(
      `expected the Redis on port ${port} to tell its data folder, got "${error.message}". ` +
        `If it is not in ${dir}, remove ${join(dir, CLAIM_FILE)}; else stop it`,
      { cause: error },
    )
  }
}

async function end(pid: number): Promise<void> {
  await endProcess(pid, 'SIGTERM')
}
