import { describe, expect, it } from 'vitest'
import { describeMessage, makeMessage } from './message.ts'

const url = 'https://api.example/v1?key=secret#part'

const bodyOf = (body: unknown, headers: Record<string, string> = {}) => {
  const message = makeMessage({ url, method: 'POST', body, headers })
  return {
    text: message.body?.toString(),
    type: message.headers.get('content-type'),
    length: message.headers.get('content-length'),
  }
}

describe('makeMessage', () => {
  it('sends text as it is', () => {
    expect(bodyOf('a=ü')).toEqual({ text: 'a=ü', type: 'text/plain;charset=UTF-8', length: '4' })
  })

  it.each([
    [{ a: [1] }, '{"a":[1]}'],
    [[], '[]'],
    [null, 'null'],
    [0, '0'],
    [false, 'false'],
  ])('sends %j as JSON', (body, text) => {
    expect(bodyOf(body)).toEqual({ text, type: 'application/json', length: String(text.length) })
  })

  it('has no body if none was given', () => {
    expect(bodyOf(undefined)).toEqual({ text: undefined, type: null, length: null })
  })

  it('keeps the headers that were given, whatever their case', () => {
    expect(bodyOf('a=1', { 'Content-Type': 'application/x-www-form-urlencoded' }).type).toBe(
      'application/x-www-form-urlencoded',
    )
    const { headers } = makeMessage({ url, headers: { 'User-Agent': 'mine', 'Accept-Encoding': 'gzip' } })
    expect(Object.fromEntries(headers)).toEqual({ accept: '*/*', 'accept-encoding': 'gzip', 'user-agent': 'mine' })
  })
})

describe('describeMessage', () => {
  it('leaves out the query and the fragment', () => {
    expect(describeMessage(makeMessage({ url }))).toBe('GET https://api.example/v1')
  })
})
