import type { FastifyRequest } from 'fastify'
import { describe, expect, it } from 'vitest'
import { assertSameOrigin } from './same-origin.ts'

const HOST = 'foliot.example:3000'

function accepts(
  headers: Record<string, string>,
  method = 'POST',
  silence: 'allowed' | 'refused' = 'refused',
): boolean {
  const request = { method, headers: { host: HOST, ...headers } } as unknown as FastifyRequest
  try {
    assertSameOrigin(request, silence)
    return true
  } catch (error) {
    expect(error).toMatchObject({ code: 'forbidden' })
    return false
  }
}

describe('a change', () => {
  it.each<[string, Record<string, string>]>([
    ['has our Origin', { origin: `http://${HOST}` }],
    ['has our Origin and came through a proxy that speaks https', { origin: `https://${HOST}` }],
    ['has our Referer and no Origin', { referer: `http://${HOST}/board/queue/demo` }],
    ['is same-origin, says the browser', { 'sec-fetch-site': 'same-origin' }],
    [
      'is same-origin behind a proxy that changes the Host',
      { 'sec-fetch-site': 'same-origin', origin: 'https://a.example' },
    ],
  ])('is let through that %s', (_what, headers) => expect(accepts(headers)).toBe(true))

  it.each<[string, Record<string, string>]>([
    ['has the Origin of another site', { origin: 'https://evil.example' }],
    ['has the Origin of another port', { origin: 'http://foliot.example:4000' }],
    ['has an Origin that only begins like ours', { origin: `http://${HOST}.evil.example` }],
    ['has an Origin that hides itself', { origin: 'null' }],
    ['has the Referer of another site', { referer: `https://evil.example/?http://${HOST}/` }],
    ['hides its Origin and has our Referer', { origin: 'null', referer: `http://${HOST}/board` }],
    ['is cross-site, says the browser', { 'sec-fetch-site': 'cross-site', origin: `http://${HOST}` }],
    ['is same-site, says the browser', { 'sec-fetch-site': 'same-site' }],
    ['was typed in, says the browser', { 'sec-fetch-site': 'none' }],
    ['does not say where it comes from', {}],
  ])('is refused that %s', (_what, headers) => expect(accepts(headers)).toBe(false))

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'])('is a request by %s', (method) => {
    expect(accepts({ origin: 'https://evil.example' }, method)).toBe(false)
  })

  it('may keep silent where programs call that are no browsers', () => {
    expect(accepts({}, 'POST', 'allowed')).toBe(true)
    expect(accepts({ origin: 'https://evil.example' }, 'POST', 'allowed')).toBe(false)
  })
})

it.each(['GET', 'HEAD', 'OPTIONS'])('lets %s through from everywhere: it changes nothing', (method) => {
  expect(accepts({ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, method)).toBe(true)
})
