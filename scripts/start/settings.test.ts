import { describe, expect, it } from 'vitest'
import { readSettings } from './settings.ts'

describe('readSettings', () => {
  it('starts the examples on this machine alone if nothing is set', () => {
    expect(readSettings({})).toEqual({
      redisUrl: undefined,
      databaseUrl: undefined,
      apiHost: '127.0.0.1',
      apiPort: undefined,
      jobs: '@foliot/example-demo,@foliot/example-everyday',
      hasKeys: false,
    })
  })

  it('takes what is set, and an empty variable as one that is not', () => {
    const env = {
      FOLIOT_REDIS_URL: 'redis://r',
      FOLIOT_DATABASE_URL: 'postgres://p',
      FOLIOT_API_HOST: '::1',
      FOLIOT_JOBS: 'mine',
      FOLIOT_API_KEYS: 'k:read',
    }
    expect(readSettings({ ...env, FOLIOT_API_PORT: '8080' })).toEqual({
      redisUrl: 'redis://r',
      databaseUrl: 'postgres://p',
      apiHost: '::1',
      apiPort: 8080,
      jobs: 'mine',
      hasKeys: true,
    })
    expect(readSettings({ FOLIOT_API_PORT: '', FOLIOT_REDIS_URL: '', FOLIOT_DATABASE_URL: '' })).toMatchObject({
      apiPort: undefined,
      redisUrl: undefined,
      databaseUrl: undefined,
    })
  })

  it.each(['http', '-1', '65536', '80.5', ' 80', '0x50'])('refuses the port %j', (port) => {
    expect(() => readSettings({ FOLIOT_API_PORT: port })).toThrow(
      `Expected FOLIOT_API_PORT to be a port number from 0 to 65535, got ${JSON.stringify(port)}`,
    )
  })
})
