import { Agent, request } from 'node:http'
import { echo } from '@foliot/example-demo/jobs'
import { describeJob, type Job, type Problem } from '@foliot/jobs'
import { announce, connectForLoops, defineScripts } from '@foliot/queue'
import { atEndOfFile, startApi, testRedisUrl } from '@foliot/testkit'
import { expect, it } from 'vitest'

const FOLIOT_REDIS_URL = await testRedisUrl()
const redis = defineScripts(connectForLoops(FOLIOT_REDIS_URL))
await announce(redis, [describeJob(echo)])
const api = await startApi({ FOLIOT_REDIS_URL })
const agent = new Agent({ keepAlive: true, maxSockets: 500 })
atEndOfFile(async () => {
  agent.destroy()
  redis.disconnect()
})

interface Answer {
  status: number
  type: string
  body: string
}

function send(method: string, path: string, body = ''): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  const sent = request(api.url + path, { method, agent, headers }, (answer) => {
    let text = ''
    answer.setEncoding('utf8').on('data', (chunk) => {
      text += chunk
    })
    const { statusCode: status = 0, headers } = answer
    answer.once('end', () => resolve({ status, type: headers['content-type'] ?? '', body: text }))
  })
  sent.once('error', reject)
  sent.end(body)
  return promise
}

it('answers ten thousand requests at once, over five hundred connections, each with its code', async () => {
  const job = JSON.parse((await send('POST', '/v1/jobs', '{"type":"demo.echo","input":0}')).body) as Job
  const kinds: [status: number, code: string | undefined, () => Promise<Answer>][] = [
    [202, undefined, () => send('POST', '/v1/jobs', '{"type":"demo.echo","input":{"a":[1,2,3]},"labels":{"l":"m"}}')],
    [200, undefined, () => send('GET', `/v1/jobs/${job.id}`)],
    [400, 'validation_failed', () => send('POST', '/v1/jobs', '{"type":')],
    [400, 'validation_failed', () => send('POST', '/v1/jobs', '{"type":"demo.echo","input":1,"priority":-1}')],
    [404, 'unknown_job_type', () => send('POST', '/v1/jobs', '{"type":"demo.ecko","input":1}')],
    [404, 'not_found', () => send('GET', '/v1/jobs/%')],
    [405, 'method_not_allowed', () => send('DELETE', '/v1/jobs')],
    [202, undefined, () => send('POST', '/v1/jobs', '{"type":"demo.echo","input":1,"priority":9}')],
    [200, undefined, () => send('GET', '/healthz')],
    [409, 'illegal_transition', () => send('POST', `/v1/jobs/${job.id}/retry`)],
  ]
  const answers = await Promise.all(
    Array.from({ length: 10_000 }, async (_, i) => {
      const [status, code, ask] = kinds[i % kinds.length] as (typeof kinds)[number]
      const answer = await ask()
      const isProblem = answer.type.startsWith('application/problem+json')
      const came = isProblem ? (JSON.parse(answer.body) as Problem).code : undefined
      return { expected: `${status} ${code}`, came: `${answer.status} ${came}` }
    }),
  )
  expect(answers.filter(({ expected, came }) => expected !== came)).toEqual([])
  expect(await redis.llen('foliot:{demo}:wait')).toBe(1001)
  expect(await redis.zcard('foliot:{demo}:prioritized')).toBe(1000)
  expect(api.lines.filter(({ json }) => json?.level === 'error')).toEqual([])
})
