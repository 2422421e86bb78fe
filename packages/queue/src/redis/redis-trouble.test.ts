import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { atEndOfFile, startRedis, waitUntil } from '@foliot/testkit'
import type { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { enqueue } from '../enqueue/enqueue.ts'
import { newJob } from '../fixtures/test-queues.ts'
import { connectForLoops, connectForRequests, untilReady } from './connection.ts'
import { isRedisTrouble, refusalOf } from './redis-trouble.ts'
import { defineScripts } from './scripts.ts'

function ended(redis: Redis): Redis {
  redis.on('error', () => undefined)
  atEndOfFile(async () => redis.disconnect())
  return redis
}

/** What the promise was rejected with. */
const errorOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

const stateOf = async (promise: Promise<unknown>) => refusalOf(await errorOf(promise))?.state

describe('isRedisTrouble', () => {
  it('knows a Redis that hangs, is full, goes, and is gone', async () => {
    const server = await startRedis()
    const redis = ended(defineScripts(connectForRequests(server.url, 100)))
    await untilReady(redis, 10_000)
    const troubles: unknown[] = []
    await redis.config('SET', 'maxmemory', '1')
    troubles.push(await errorOf(enqueue(redis, newJob('mail'))))
    process.kill(server.pid, 'SIGSTOP')
    troubles.push(await errorOf(redis.ping()))
    const underWay = errorOf(redis.ping())
    await server.kill()
    troubles.push(await underWay)
    await waitUntil(() => redis.status !== 'ready')
    troubles.push(await errorOf(redis.ping()))
    redis.disconnect()
    troubles.push(await errorOf(redis.ping()))
    expect(troubles.map((error) => [String(error), isRedisTrouble(error)])).toEqual(
      troubles.map(() => [expect.stringContaining('Error'), true]),
    )
  })

  it('takes nothing else for it', async () => {
    const { url } = await startRedis()
    const redis = ended(connectForLoops(url))
    await redis.set('text', 'x')
    const wrong = [await errorOf(redis.lpush('text', 'y')), await errorOf(redis.call('NOSUCH'))]
    for (const error of [...wrong, new TypeError('x'), 'OOM', undefined]) expect(isRedisTrouble(error)).toBe(false)
  })
})

describe('refusalOf', () => {
  it('tells what is the matter: of commands, scripts and transactions', async () => {
    const server = await startRedis()
    const redis = ended(defineScripts(connectForLoops(server.url)))
    const write = () => redis.set('text', 'x')
    const script = () => enqueue(redis, newJob('mail'))
    const transaction = () => redis.multi().set('text', 'x').get('text').exec()
    for (const [begin, end, state] of [
      [() => redis.config('SET', 'maxmemory', '1'), () => redis.config('SET', 'maxmemory', '0'), 'Redis is full'],
      [
        // Nobody is there: it stays a replica that waits for its primary.
        () => redis.replicaof('127.0.0.1', 1),
        () => redis.replicaof('NO', 'ONE'),
        'Redis is a replica that may only be read',
      ],
      [
        () => redis.config('SET', 'min-replicas-to-write', '1'),
        () => redis.config('SET', 'min-replicas-to-write', '0'),
        'Redis has fewer replicas than its min-replicas-to-write asks for',
      ],
    ] as const) {
      await begin()
      expect([await stateOf(write()), await stateOf(script()), await stateOf(transaction())]).toEqual([
        state,
        state,
        state,
      ])
      await end()
    }
    expect([await stateOf(write()), await stateOf(script()), await stateOf(transaction())]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  it('knows a Redis that cannot write its snapshots', async () => {
    const { url, dir } = await startRedis({ args: ['--save', '3600 1', '--appendonly', 'no'] })
    const redis = ended(connectForLoops(url))
    await redis.set('text', 'x')
    // A folder is where the file would go.
    await mkdir(join(dir, 'dump.rdb', 'in-the-way'), { recursive: true })
    await redis.bgsave()
    const state = await waitUntil(async () => stateOf(redis.set('text', 'y')), { what: 'a refused write' })
    expect(state).toBe('Redis cannot write to its disk')
  })

  it.each([
    [
      'Redis 6.2',
      'ERR Error running script (call to f_0a1b): @user_script:1: @user_script: 1: -OOM command not allowed',
    ],
    ['Redis 6.2', "ERR Error running script (call to f_0a1b): @user_script:12: -READONLY You can't write"],
    [
      'Redis 6.2, of one of several that a script ends',
      "@user_script: 12: -READONLY You can't write against a replica",
    ],
    ['a Redis that starts', 'LOADING Redis is loading the dataset in memory'],
  ])('knows the words of %s', (_, message) => {
    expect(refusalOf(new Error(message))).toMatchObject({ state: expect.stringContaining('Redis is ') })
  })

  it('is not led in circles by a transaction that was refused with the connection: it is its own reason', async () => {
    const { url } = await startRedis({ args: ['--requirepass', 'right'] })
    const redis = ended(connectForLoops(url))
    const error = await redis
      .multi()
      .set('text', 'x')
      .exec()
      .catch((thrown: unknown) => thrown)
    expect((error as { previousErrors: unknown[] }).previousErrors).toContain(error)
    expect(refusalOf(error)).toBeUndefined()
  })

  it('takes nothing else for one', () => {
    const others = ['toString is', 'OOM', 'ERR unknown command', 'WRONGTYPE Operation', 'connect ECONNREFUSED', '']
    for (const message of others) expect(refusalOf(new Error(message))).toBeUndefined()
    for (const thrown of ['OOM command not allowed', undefined, {}]) expect(refusalOf(thrown)).toBeUndefined()
  })
})
