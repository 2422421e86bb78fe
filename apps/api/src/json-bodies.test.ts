import { once } from 'node:events'
import { createConnection } from 'node:net'
import type { Problem } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { openTestApi } from './fixtures/test-api.ts'

const api = await openTestApi()

const post = (body: string | Uint8Array, headers?: Record<string, string>) => api.post('/v1/jobs', body, headers)

/** Sends a request to its last byte before it reads anything, as simple clients do. Gives what it then reads. */
async function sendThenRead(body: string): Promise<string> {
  const socket = createConnection(Number(new URL(api.url).port), '127.0.0.1').pause()
  const head = `POST /v1/jobs HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.write(head + body, () => resolve())
  })
  const [answer] = await once(socket.setEncoding('utf8').resume(), 'data')
  socket.destroy()
  return answer
}

describe('a body', () => {
  it.each([
    ['nothing', ''],
    ['half an object', '{"type":'],
    ['two values', '{} {}'],
    ['a comment', '{} // no'],
    ['text', 'hello'],
    ['a form', 'type=demo.echo&input=1'],
    ['a raw NUL byte', '{"type":"demo.echo","input":"a\u0000b"}'],
    ['NaN', '{"type":"demo.echo","input":NaN}'],
    ['null', 'null'],
    ['a list', '[]'],
    ['a string', '"demo.echo"'],
    ['a nested list', '['.repeat(100_000) + ']'.repeat(100_000)],
  ])('that is %s is refused', async (_, body) => {
    const before = await api.redis.dbsize()
    const problem = (await post(body)).problem(400, 'validation_failed')
    expect(problem.detail).toMatch(/expected/)
    expect(await api.redis.dbsize()).toBe(before)
  })

  it('that is no UTF-8 is refused, not stored with other letters', async () => {
    const bytes = Buffer.from([...Buffer.from('{"type":"demo.echo","input":"'), 0xff, 0xfe, ...Buffer.from('"}')])
    expect((await post(bytes)).problem(400, 'validation_failed').detail).toContain('UTF-8')
  })

  it.each([
    ['a byte order mark', '\ufeff{"type":"demo.echo","input":1}'],
    ['space around it', ' \r\n\t{"type":"demo.echo","input":1}\n'],
  ])('with %s is taken', async (_, body) => {
    expect((await post(body)).job(202).input).toBe(1)
  })

  it.each([
    ['{"type":"demo.echo","input":1,"type":"demo.echo"}', '/type'],
    ['{"input":0,"type":"demo.echo","input":1}', '/input'],
    ['{"type":"demo.echo","input":0,"\\u0069nput":0}', '/input'],
    ['{"type":"demo.echo","input":{"a":{"b":[0,{"c/~d":1,"c/~d":1}]}}}', '/input/a/b/1/c~1~0d'],
    ['{"type":"demo.echo","input":{"__proto__":1,"__proto__":2}}', '/input/__proto__'],
    ['{"type":"demo.echo","input":{"":1,"":2}}', '/input/'],
    ['{"type":"demo.echo","input":1,"labels":{"a":"x","a":"y"}}', '/labels/a'],
  ])('that says something twice is refused, which would be ignored the first time: %s', async (body, path) => {
    const before = await api.redis.dbsize()
    const problem = (await post(body)).problem(400, 'validation_failed')
    expect(problem.errors).toEqual([{ path, message: 'expected each name once in an object, got it twice' }])
    expect(await api.redis.dbsize()).toBe(before)
  })

  it('of a batch that says something twice is refused as a whole, as any that is not JSON', async () => {
    const before = await api.redis.dbsize()
    const jobs = '{"type":"demo.echo","input":1},{"type":"demo.echo","input":{"a":1,"b":2,"a":3}}'
    const problem = (await api.post('/v1/jobs/batch', `{"jobs":[${jobs}]}`)).problem(400, 'validation_failed')
    expect(problem.errors?.map((error) => error.path)).toEqual(['/jobs/1/input/a'])
    expect(await api.redis.dbsize()).toBe(before)
  })

  it('that says something twice is refused by every route', async () => {
    const body = '{"limits":{"concurrency":5,"concurrency":6}}'
    const problem = (await api.send('PATCH', '/v1/queues/demo', body)).problem(400, 'validation_failed')
    expect(problem.errors?.map((error) => error.path)).toEqual(['/limits/concurrency'])
  })

  it('may have a name in several objects, and twice in a text', async () => {
    const input = { a: [{ a: 1 }, { a: 1 }], b: { a: { a: '{"a":1,"a":1}' } } }
    expect((await post(JSON.stringify({ type: 'demo.echo', input }))).job(202).input).toEqual(input)
  })

  it.each(['__proto__', 'constructor', 'toString'])('with a field %s is refused as any unknown field', async (name) => {
    const problem = (await post(`{"type":"demo.echo","input":1,"${name}":{"a":1}}`)).problem(400, 'validation_failed')
    expect(problem.detail).toContain(name)
  })

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
    'application/vnd.api+json',
    'nonsense',
  ])('of the type %s is refused', async (type) => {
    const answer = await post('{"type":"demo.echo","input":1}', { 'content-type': type })
    expect(answer.problem(415, 'unsupported_media_type').hint).toContain('application/json')
  })

  it('that is compressed is refused, as it would be read for what it is not', async () => {
    const answer = await post('{"type":"demo.echo","input":1}', { 'content-encoding': 'gzip' })
    expect(answer.problem(415, 'unsupported_media_type').detail).toContain('got gzip')
  })

  it.each(['application/json; charset=utf-8', 'APPLICATION/JSON', 'application/json;'])(
    'of the type %s is taken',
    async (type) => {
      ;(await post('{"type":"demo.echo","input":1}', { 'content-type': type })).job(202)
    },
  )

  it.each([1.5, 9, 20])(
    'of %d MB is refused, which a caller hears who reads only when all is sent',
    async (megabytes) => {
      const body = JSON.stringify({ type: 'demo.echo', input: 'x'.repeat(megabytes * 1_000_000) })
      expect(await sendThenRead(body)).toMatch(/^HTTP\/1\.1 413 /)
      ;(await post(body)).problem(413, 'payload_too_large')
    },
  )

  it('of 1.5 MB in chunks is refused as well', async () => {
    const chunk = new TextEncoder().encode('x'.repeat(50_000))
    let left = 30
    const body = new ReadableStream({
      pull: (controller) => (left-- > 0 ? controller.enqueue(chunk) : controller.close()),
    })
    const answer = await fetch(`${api.url}/v1/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      duplex: 'half',
    })
    expect([answer.status, ((await answer.json()) as Problem).code]).toEqual([413, 'payload_too_large'])
  })

  it('may be empty where none is needed, though its type is announced', async () => {
    const job = await api.echo(1, { delayMs: 60_000 })
    const answer = await api.post(`/v1/jobs/${job.id}/cancel`, '', { 'content-type': 'application/json' })
    expect(answer.job(200).status).toBe('cancelled')
  })
})
