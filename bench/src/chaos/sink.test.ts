import { afterEach, describe, expect, it } from 'vitest'
import { type Sink, startSink } from './sink.ts'
import { tellSink } from './tell-sink.ts'

const never = new AbortController().signal
const jobs: [number, string][] = []
let sink: Sink
afterEach(() => sink[Symbol.asyncDispose]())

const post = async (path: string, body: string): Promise<number> => {
  const { status } = await fetch(`${sink.url}${path}`, { method: 'POST', body })
  return status
}
const effect = (key: string, attempt = 1) => ({ key, jobId: key.slice(0, 1), request: 7, attempt })

describe('the sink', () => {
  it('accepts an effect once and refuses it from then on', async () => {
    sink = await startSink(() => undefined)
    expect(await post('/effects', JSON.stringify(effect('a:1')))).toBe(200)
    expect(await post('/effects', JSON.stringify(effect('a:1', 2)))).toBe(409)
    expect(await post('/effects', JSON.stringify(effect('a:1', 2)))).toBe(409)
    expect(await post('/effects', JSON.stringify(effect('a:2')))).toBe(200)
    expect(Object.fromEntries(sink.effects)).toEqual({
      'a:1': { accepted: 1, refused: 2 },
      'a:2': { accepted: 1, refused: 0 },
    })
  })

  it('tells which job ran for which request', async () => {
    sink = await startSink((...job) => jobs.push(job))
    await tellSink(`${sink.url}/effects`, effect('a:1'), never)
    await tellSink(`${sink.url}/effects`, effect('b:1'), never)
    expect(jobs).toEqual([
      [7, 'a'],
      [7, 'b'],
    ])
  })

  it('keeps each result of a step once', async () => {
    sink = await startSink(() => undefined)
    for (const result of ['x', 'x', 'y']) {
      await tellSink(`${sink.url}/results`, { key: 'a:1', attempt: 1, result }, never)
    }
    expect([...(sink.results.get('a:1') ?? [])]).toEqual(['x', 'y'])
  })

  it('is told the same twice without a failure, but not what it does not understand', async () => {
    sink = await startSink(() => undefined)
    await tellSink(`${sink.url}/effects`, effect('a:1'), never)
    await tellSink(`${sink.url}/effects`, effect('a:1'), never)
    expect(await post('/effects', '{"key":')).toBe(400)
    await expect(tellSink('http://127.0.0.1:1/effects', effect('a:1'), never)).rejects.toThrow()
  })
})
