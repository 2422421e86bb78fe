import { readEnv, SettingsError } from '@foliot/settings'
import { describe, expect, it } from 'vitest'
import { readKeys, workerEnv } from './env.ts'

const read = (env: Record<string, string> = {}) => readEnv(workerEnv, env)

describe('workerEnv', () => {
  it('has a default for everything', () => {
    expect(read()).toMatchObject({
      FOLIOT_REDIS_URL: 'redis://127.0.0.1:6379',
      FOLIOT_JOBS: [],
      FOLIOT_QUEUES: [],
      FOLIOT_CONCURRENCY: 10,
      FOLIOT_ISOLATED_MEMORY_MB: 512,
      FOLIOT_SHUTDOWN_GRACE_MS: 10_000,
      FOLIOT_WORKER_HOST: '127.0.0.1',
      FOLIOT_WORKER_PORT: 0,
      FOLIOT_API_KEYS: '',
      FOLIOT_SUPERVISED: false,
      FOLIOT_LOG_LEVEL: 'info',
    })
  })

  it('reads lists of modules and queues', () => {
    expect(read({ FOLIOT_JOBS: './a.ts, @acme/jobs,', FOLIOT_QUEUES: 'email' })).toMatchObject({
      FOLIOT_JOBS: ['./a.ts', '@acme/jobs'],
      FOLIOT_QUEUES: ['email'],
    })
  })

  it.each([
    ['FOLIOT_REDIS_URL', 'http://127.0.0.1'],
    ['FOLIOT_CONCURRENCY', '0'],
    ['FOLIOT_CONCURRENCY', '10001'],
    ['FOLIOT_CONCURRENCY', 'ten'],
    ['FOLIOT_ISOLATED_MEMORY_MB', '31'],
    ['FOLIOT_SHUTDOWN_GRACE_MS', '-1'],
    // The process as a whole gets 5 s more, and a timer waits no longer than 24.8 days: it would fire at once.
    ['FOLIOT_SHUTDOWN_GRACE_MS', String(2 ** 31 - 1)],
    ['FOLIOT_WORKER_PORT', '65536'],
    ['FOLIOT_SUPERVISED', 'maybe'],
    ['FOLIOT_LOG_LEVEL', 'loud'],
  ])('refuses %s=%s', (name, value) => {
    expect(() => read({ [name]: value })).toThrow(SettingsError)
    expect(() => read({ [name]: value })).toThrow(name)
  })
})

describe('readKeys', () => {
  it('reads the keys that may see the metrics', () => {
    expect(readKeys(read()).size).toBe(0)
    expect(readKeys(read({ FOLIOT_API_KEYS: 'some-secret:read' })).find('some-secret')?.scopes).toEqual(
      new Set(['read']),
    )
  })

  it('names the variable and the place of a key that is wrong', () => {
    expect(() => readKeys(read({ FOLIOT_API_KEYS: 'a:read,b:reed' }))).toThrow(/^FOLIOT_API_KEYS: .*key 2/)
  })
})
