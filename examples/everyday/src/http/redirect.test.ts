import { describe, expect, it } from 'vitest'
import { makeMessage } from './message.ts'
import { isRedirect, redirect } from './redirect.ts'

const URL_OF_ALL = 'https://api.example/v1/things?page=1'

const messageOf = (method: string) =>
  makeMessage({
    url: URL_OF_ALL,
    method,
    headers: { authorization: 'Bearer x', cookie: 'a=1', 'x-trace': 't' },
    body: { a: 1 },
  })

describe('isRedirect', () => {
  it('says yes to the five statuses that lead elsewhere', () => {
    const redirects = Array.from({ length: 500 }, (_, i) => 100 + i).filter(isRedirect)
    expect(redirects).toEqual([301, 302, 303, 307, 308])
  })
})

describe('redirect', () => {
  it.each([
    ['/b', 'https://api.example/b'],
    ['b?c', 'https://api.example/v1/b?c'],
    ['//other.example/b', 'https://other.example/b'],
    ['http://other.example', 'http://other.example/'],
    // What "/ü" looks like to a reader of latin1.
    ['/\u00c3\u00bc', 'https://api.example/%C3%BC'],
  ])('resolves the location %s', (location, url) => {
    expect(redirect(messageOf('GET'), 302, location).url.href).toBe(url)
  })

  it.each(['http://', 'https://[', `/${'a'.repeat(4096)}`])('refuses a location that is no URL of ours', (location) => {
    expect(() => redirect(messageOf('GET'), 302, location)).toThrow(
      expect.objectContaining({ name: 'UnrecoverableError', kind: 'bad_redirect' }),
    )
  })

  it.each([
    ['POST', 301, 'GET'],
    ['POST', 302, 'GET'],
    ['POST', 303, 'GET'],
    ['PUT', 303, 'GET'],
    ['DELETE', 303, 'GET'],
  ])('turns a %s into a GET without a body at %i', (method, status, next) => {
    const message = redirect(messageOf(method), status, '/b')
    expect(message).toMatchObject({ method: next, body: undefined })
    expect([...message.headers.keys()].filter((name) => name.startsWith('content-'))).toEqual([])
    expect(message.headers.get('x-trace')).toBe('t')
  })

  it.each([
    ['GET', 301],
    ['GET', 303],
    ['HEAD', 303],
    ['PUT', 301],
    ['DELETE', 302],
    ['POST', 307],
    ['POST', 308],
  ])('lets a %s keep its method and body at %i', (method, status) => {
    const message = redirect(messageOf(method), status, '/b')
    expect(message).toMatchObject({ method, body: Buffer.from('{"a":1}') })
    expect(message.headers.get('content-length')).toBe('7')
  })

  it.each(['https://other.example/', 'http://api.example/', 'https://api.example:8443/'])(
    'gives no credentials to %s, another origin',
    (location) => {
      const message = redirect(messageOf('GET'), 302, location)
      expect(message.headers.has('authorization')).toBe(false)
      expect(message.headers.has('cookie')).toBe(false)
      expect(message.headers.get('x-trace')).toBe('t')
    },
  )

  it('gives the credentials to the same origin, and leaves the first message as it was', () => {
    const first = messageOf('POST')
    expect(redirect(first, 303, '/b').headers.get('authorization')).toBe('Bearer x')
    redirect(first, 302, 'https://other.example/')
    expect(first.headers.get('authorization')).toBe('Bearer x')
  })
})
