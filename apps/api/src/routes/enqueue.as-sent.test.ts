import type { Settlement } from '@foliot/queue'
import { describe, expect, it } from 'vitest'
import { runAsAsked } from '../fixtures/runs.ts'
import { openTestApi } from '../fixtures/test-api.ts'

const api = await openTestApi()
/** One whose jobs are done. */
const working = await openTestApi()

/** An answer as text, in which numbers and keys stand as they were written. */
async function textOf(path: string, body?: string, headers?: Record<string, string>, url = api.url): Promise<string> {
  const answer = await fetch(url + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body }),
  })
  const text = await answer.text()
  expect([answer.ok, text]).toEqual([true, text])
  return text
}

const idIn = (text: string): string => (JSON.parse(text) as { id: string }).id

const INPUTS = [
  '1.0',
  '1e3',
  '-0',
  '-1E+2',
  '12345678901234567890',
  '0.1000',
  '1e-400',
  '0.30000000000000004',
  'true',
  'null',
  '""',
  '[]',
  '{}',
  '"text"',
  '[1.0,[2.50],{"a":-0}]',
  '{"2":1,"10":2,"1":3}',
  '{"__proto__":{"b":1.0},"constructor":null,"toString":[]}',
  String.raw`"\u0041\/\ud800\u0000\n"`,
  String.raw`{"\u0061":1,"\ud83d":2,"":3}`,
  '"é😀\u2028\u007f"',
  '{"ключ":{"鍵":1.0},"🔑":2}',
  String.raw`{"a":"}],{[: \" \\","input":{"input":1.0}}`,
]

describe('an input', () => {
  it.each(INPUTS)('comes back as it was sent, from wherever it is asked for: %s', async (input) => {
    const label = `"labels":{"input":"n${INPUTS.indexOf(input)}"}`
    const key = `"idempotencyKey":"as-sent-${INPUTS.indexOf(input)}"`
    const body = `{"type":"demo.echo",${label},"input":${input},${key}}`
    const shown = `"input":${input},"output":null`
    const sent = await textOf('/v1/jobs', body)
    expect(sent).toContain(shown)
    const id = idIn(sent)
    expect(await textOf('/v1/jobs', body)).toBe(sent)
    expect(await textOf(`/v1/jobs/${id}`)).toBe(sent)
    expect(await textOf(`/v1/jobs/${id}/wait?timeoutMs=0`)).toBe(sent)
    const list = await textOf(`/v1/jobs?label=input:n${INPUTS.indexOf(input)}`)
    expect(list).toBe(`{"items":[${sent}],"nextCursor":null}`)
    const batch = await textOf('/v1/jobs/batch', `{"jobs":[${body},{"type":"demo.echo","input":${input}}]}`)
    expect(batch.split(shown)).toHaveLength(3)
    expect(batch).toContain(`{"status":200,"job":${sent},"replayed":true}`)
    expect(await textOf(`/v1/jobs/${id}/cancel`, '')).toContain(shown)
    await api.redis.del(`foliot:{demo}:${id}`)
    expect(await textOf('/v1/jobs', body)).toContain(shown)
  })

  it.each([
    [' {\n\t"a" : [ 1.0 ,\r\n2 ] , "b" : { } }\n', '{"a":[1.0,2],"b":{}}'],
    ['[ ]', '[]'],
    [' "a  b\\" : c" ', '"a  b\\" : c"'],
    ['\t-0.0\n', '-0.0'],
  ])('comes back without the space between its parts: %j', async (input, kept) => {
    const body = ` { "type" : "demo.echo" , "input" :${input}, "labels" : { } } `
    expect(await textOf('/v1/jobs', body)).toContain(`"input":${kept},"output":null`)
    const batch = await textOf('/v1/jobs/batch', ` { "jobs" : [ ${body} , ${body} ] } `)
    expect(batch.split(`"input":${kept},"output":null`)).toHaveLength(3)
  })

  it.each([
    ['first', '{"input":1.0,"type":"demo.echo"}'],
    ['last', '{"type":"demo.echo","labels":{"input":"2.0"},"input":1.0}'],
    ['with an escape in its name', String.raw`{"type":"demo.echo","\u0069nput":1.0}`],
    ['after text that looks like it', String.raw`{"type":"demo.echo","labels":{"a":"\",\"input\":2.0,"},"input":1.0}`],
    ['behind a byte order mark', '\ufeff{"input":1.0,"type":"demo.echo"}'],
  ])('is found where it stands: %s', async (_, body) => {
    expect(await textOf('/v1/jobs', body)).toContain('"input":1.0,"output":null')
  })

  it.each([
    ['of 500 levels', `${'[{"a":'.repeat(250)}1.0${'}]'.repeat(250)}`],
    ['of long text full of quotes and braces', JSON.stringify('{"input":[}]\\'.repeat(3000))],
    ['of many keys', `{${Array.from({ length: 5000 }, (_, i) => `"${5000 - i}":1.0`)}}`],
  ])('comes back also if it is one %s', async (_, input) => {
    const sent = await textOf('/v1/jobs', `{"type":"demo.echo","input":${input}}`)
    expect(sent).toContain(`"input":${input},"output":null`)
    expect(await textOf(`/v1/jobs/${idIn(sent)}`)).toBe(sent)
  })

  it('in a batch is that of its own job, whatever stands around it', async () => {
    const jobs = [
      '{"input":1.0,"type":"demo.echo"}',
      '{}',
      '7.0',
      '"input"',
      '[{"type":"demo.echo","input":8.0}]',
      'null',
      '{"type":"no.such","input":9.0}',
      '{"type":"demo.echo"}',
      '{"type":"demo.echo","input":2.0}',
    ]
    const text = await textOf('/v1/jobs/batch', `{"jobs":[${jobs}]}`)
    expect(text.match(/"input":[\d.]+/g)).toEqual(['"input":1.0', '"input":2.0'])
    const results = (JSON.parse(text) as { results: { status: number }[] }).results
    expect(results.map(({ status }) => status)).toEqual([202, 400, 400, 400, 400, 400, 404, 400, 202])
  })

  it('may be 64 KiB as it was sent, without the space between its parts', async () => {
    const text = String.raw`\u0041`.repeat(10_922)
    await textOf('/v1/jobs', `{"type":"demo.echo","input":[${' '.repeat(65_536)}"${text}"]}`)
    const answer = await api.post('/v1/jobs', `{"type":"demo.echo","input":["${text}A"]}`)
    expect(answer.problem(413, 'payload_too_large').detail).toContain('got 65537')
  })
})

describe('a key', () => {
  const bodyWith = (input: string) => `{"type":"demo.echo","input":${input}}`

  it.each([
    ['12345678901234567890', '12345678901234567891'],
    ['{"a":9007199254740993}', '{"a":9007199254740992}'],
    ['[0.1]', '[0.1000000000000000055]'],
    ['1e-400', '0'],
    ['1e-400', '1e-401'],
    ['{"a":"12345678901234567890"}', '{"a":12345678901234567890}'],
  ])('tells the input %s from %s, which JavaScript may not', async (first, other) => {
    const headers = { 'idempotency-key': `apart-${first}-${other}` }
    await textOf('/v1/jobs', bodyWith(first), headers)
    const answer = await api.post('/v1/jobs', bodyWith(other), headers)
    answer.problem(422, 'idempotency_key_reused')
  })

  it.each([
    ['12345678901234567890', '1234567890123456789e1'],
    ['{"a":1e-400,"b":1.50}', '{ "b":15e-1, "a":0.10e-399 }'],
    ['-0.0', '0'],
  ])('takes the input %s for the same as %s', async (first, other) => {
    const headers = { 'idempotency-key': `same-${first}-${other}` }
    const sent = await textOf('/v1/jobs', bodyWith(first), headers)
    expect(await textOf('/v1/jobs', bodyWith(other), headers)).toBe(sent)
  })
})

describe('an output', () => {
  const output = '{"2":1.0,"1":12345678901234567890,"a":"\\ud800"}'

  it('comes back as the worker stored it', async () => {
    await working.consume(async (attempt): Promise<Settlement> => {
      const { type, input } = attempt.claim
      if (type !== 'demo.echo') return runAsAsked(attempt)
      expect(input).toEqual({ a: 1, b: 12345678901234567000 })
      return { kind: 'succeeded', output }
    })
    const input = '{"b":12345678901234567890,"a":1.0}'
    const { id } = JSON.parse(await textOf('/v1/jobs', `{"type":"demo.echo","input":${input}}`, {}, working.url)) as {
      id: string
    }
    const ended = await textOf(`/v1/jobs/${id}/wait`, undefined, {}, working.url)
    expect(ended).toContain('"status":"succeeded"')
    expect(ended).toContain(`"input":${input},"output":${output}}`)
    expect(await textOf(`/v1/jobs/${id}`, undefined, {}, working.url)).toBe(ended)
    expect(await textOf('/v1/jobs?status=succeeded', undefined, {}, working.url)).toContain(ended)
  })

  it('is null for a dead letter, whose input comes back as it was sent', async () => {
    const shown = '"input":{"times":1.0,"message":"\\u006eo"},"output":null'
    const body = '{"type":"demo.fail","input":{"times":1.0,"message":"\\u006eo"}}'
    const id = idIn(await textOf('/v1/jobs', body, {}, working.url))
    expect(await textOf(`/v1/jobs/${id}/wait`, undefined, {}, working.url)).toContain(shown)
    expect(await textOf('/v1/dead-letters', undefined, {}, working.url)).toContain(shown)
  })
})
