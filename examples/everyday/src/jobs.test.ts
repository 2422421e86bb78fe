import { type AnyJobDefinition, describeJob } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import pack from './index.ts'
import { csvSummarize, everydayJobs, httpRequest } from './jobs.ts'

const url = 'https://example.com/'

const issuesOf = async ({ input }: AnyJobDefinition, value: unknown) =>
  ((await input['~standard'].validate(value)).issues ?? []).map(({ path, message }) => ({ path, message }))

describe('the everyday pack', () => {
  it('has a handler for each of its jobs', () => {
    expect(pack.jobs).toBe(everydayJobs)
    expect(Object.keys(pack.handlers).sort()).toEqual(everydayJobs.map((job) => job.name).sort())
  })

  it('can be announced: each job describes itself and its schemas', () => {
    expect(describeJob(httpRequest)).toMatchObject({ queue: 'http', inputSchema: { required: ['url'] } })
    expect(describeJob(csvSummarize)).toMatchObject({
      queue: 'files',
      inputSchema: { required: ['source', 'groupBy', 'aggregate'] },
    })
    for (const job of everydayJobs) expect(describeJob(job).outputSchema, job.name).toBeDefined()
  })

  it('gives a request a longer time than its input can', async () => {
    expect(await issuesOf(httpRequest, { url, timeoutMs: httpRequest.timeoutMs })).toHaveLength(1)
  })
})

describe('the input of http.request', () => {
  it('needs a URL alone', () => {
    expect(httpRequest.input.parse({ url })).toEqual({
      url,
      method: 'GET',
      headers: {},
      timeoutMs: 30_000,
      followRedirects: true,
    })
  })

  it.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'M-SEARCH', 'patch'])(
    'takes the method %s',
    (method) => {
      expect(httpRequest.input.parse({ url, method }).method).toBe(method.toUpperCase())
    },
  )

  it.each([
    {},
    { url: 'example.com' },
    { url: '' },
    { url: `${url}${'a'.repeat(4096)}` },
    { url, method: 'CONNECT' },
    { url, method: 'Connect' },
    { url, method: 'GET /' },
    { url, method: '' },
    { url, headers: { 'a b': '1' } },
    { url, headers: { a: '1\r\nb: 2' } },
    { url, headers: { a: 1 } },
    { url, headers: { Host: 'internal' } },
    { url, headers: { 'Content-Length': '5' } },
    { url, headers: { 'transfer-encoding': 'chunked' } },
    { url, timeoutMs: 0 },
    { url, timeoutMs: 600_001 },
    { url, retries: 3 },
  ])('refuses %j', async (input) => {
    expect(await issuesOf(httpRequest, input)).toHaveLength(1)
  })
})

describe('the input of csv.summarize', () => {
  const whole = { source: 'a.csv', groupBy: 'a', measure: 'b', aggregate: 'sum' }

  it('needs a measure for every aggregate but count', async () => {
    for (const aggregate of ['sum', 'mean', 'min', 'max']) {
      expect(await issuesOf(csvSummarize, { ...whole, aggregate })).toEqual([])
      expect(await issuesOf(csvSummarize, { ...whole, aggregate, measure: undefined })).toEqual([
        { path: ['measure'], message: expect.stringContaining('for every aggregate but count') },
      ])
    }
    expect(await issuesOf(csvSummarize, { source: 'a.csv', groupBy: 'a', aggregate: 'count' })).toEqual([])
    expect(await issuesOf(csvSummarize, { ...whole, aggregate: 'count' })).toEqual([])
  })

  it.each([
    { source: '' },
    { source: 'a\0b' },
    { source: 1 },
    { groupBy: '' },
    { aggregate: 'median' },
    { delimiter: ';' },
  ])('refuses %j', async (change) => {
    expect(await issuesOf(csvSummarize, { ...whole, ...change })).toHaveLength(1)
  })
})
