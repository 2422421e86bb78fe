import { atEndOfFile, startRedis } from '@foliot/testkit'
import { expect, it } from 'vitest'
import { connectForLoops, connectForRequests } from './connection.ts'
import { denialOf } from './denial.ts'

it.each([
  ['no password', '//', 'NOAUTH'],
  ['a wrong one', '//:wrong@', 'WRONGPASS'],
])('knows a Redis that asks for a password and gets %s', async (_, as, word) => {
  const { url, port } = await startRedis({ args: ['--requirepass', 'right'] })
  for (const connect of [connectForLoops, connectForRequests]) {
    const redis = connect(url.replace('//', as))
    atEndOfFile(async () => redis.disconnect())
    const error = await new Promise((resolve) => redis.on('error', resolve))
    const message = expect.stringMatching(`expected FOLIOT_REDIS_URL .* Redis at 127.0.0.1:${port} .*"${word} `)
    expect(denialOf(error, redis)).toMatchObject({ code: 'unavailable', message })
  }
})

it('takes nothing else for it', async () => {
  const { url, ...server } = await startRedis()
  const redis = connectForRequests(url)
  atEndOfFile(async () => redis.disconnect())
  await new Promise((resolve) => redis.once('ready', resolve))
  const wrong = await redis.call('NOTHING').catch((error: unknown) => error)
  const gone = new Promise((resolve) => redis.on('error', resolve))
  await server.kill()
  for (const error of [wrong, await gone, new Error('expected NOAUTH here'), undefined]) {
    expect(denialOf(error, redis)).toBeUndefined()
  }
})
