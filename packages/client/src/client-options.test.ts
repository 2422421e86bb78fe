import { describe, expect, it } from 'vitest'
import { type ClientOptions, resolveClientOptions } from './client-options.ts'

const url = 'http://localhost:3000'

describe('the options of a client', () => {
  it('have defaults for all but the url', () => {
    expect(resolveClientOptions({ url })).toMatchObject({ url, maxRetries: 5, timeoutMs: 10_000 })
    expect(resolveClientOptions({ url }).headers).not.toHaveProperty('authorization')
    expect(resolveClientOptions({ url, key: undefined, maxRetries: undefined }).maxRetries).toBe(5)
  })

  it.each([
    ['http://localhost:3000/', 'http://localhost:3000'],
    ['https://example.com/foliot//', 'https://example.com/foliot'],
  ])('take the url %s without its last slash', (given, resolved) => {
    expect(resolveClientOptions({ url: given }).url).toBe(resolved)
  })

  it.each<[object, RegExp]>([
    [{ url: 'localhost' }, /expected `url` like "http:\/\/localhost:3000", got "localhost"/],
    [{ url: 'redis://localhost' }, /expected `url` to be http\(s\)/],
    [{ url: `${url}/?a=1` }, /without a query or fragment/],
    [{ url: `${url}/#a` }, /without a query or fragment/],
    [{ url, retries: 3 }, /unknown option `retries`; known are url, key, fetch, maxRetries, timeoutMs/],
    [{ url, maxRetries: -1 }, /expected `maxRetries` to be an integer from 0 to 100, got -1/],
    [{ url, maxRetries: 1.5 }, /got 1.5/],
    [{ url, timeoutMs: 0 }, /expected `timeoutMs` to be a number from 1 to 2147483647, got 0/],
    [{ url, timeoutMs: 1e12 }, /got 1000000000000/],
    [{ url, timeoutMs: Number.NaN }, /got NaN/],
  ])('refuse %j and say what was expected', (options, message) => {
    expect(() => resolveClientOptions(options as ClientOptions)).toThrow(message)
  })

  it.each(['', 'se cret', 'secret\n', 'sécret'])('refuse the key %j without showing it', (key) => {
    const refusal = (() => {
      try {
        return resolveClientOptions({ url, key })
      } catch (error) {
        return error
      }
    })()
    expect(refusal).toBeInstanceOf(TypeError)
    if (key) expect(String(refusal)).not.toContain(key.trim())
  })

  it('refuse a password in the url without showing it', () => {
    expect(() => resolveClientOptions({ url: 'http://ann:hunter2@localhost' })).toThrow(
      /^expected `url` without a user name or password; use `key`$/,
    )
  })
})
