import type { LookupAddress } from 'node:dns'
import { UnrecoverableError } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { parseAllowList } from './allow-list.ts'
import { makeGate, type Resolve } from './gate.ts'

const ip4 = (address: string): LookupAddress => ({ address, family: 4 })

const resolvesTo =
  (...addresses: string[]): Resolve =>
  async () =>
    addresses.map(ip4)

/** What the gate's lookup answers for the host of a URL, asked for all addresses as `net.connect` does. */
function lookUp(url: string, { resolve, allow = '' }: { resolve: Resolve; allow?: string }): Promise<unknown> {
  const lookup = makeGate(parseAllowList(allow).allow, resolve)(new URL(url))
  return new Promise((done, fail) => {
    lookup(new URL(url).hostname, { all: true }, (error, addresses) => (error ? fail(error) : done(addresses)))
  })
}

const forbidden = (message: string) =>
  expect.objectContaining({ name: 'UnrecoverableError', kind: 'forbidden_target', message })

const unused: Resolve = () => Promise.reject(new Error('nothing should be looked up'))

describe('the gate, by the URL alone', () => {
  const gate = makeGate(new Set(), unused)

  it.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f.0.0.1/',
    'http://0177.0.0.1/',
    'http://0/',
    'http://[::1]:6379/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::127.0.0.1]/',
    'http://[64:ff9b::10.0.0.1]/',
    'http://[2002:7f00:1::]/',
    'https://10.0.0.1/',
    'http://169.254.169.254/latest/meta-data/',
    'http://[fd00:ec2::254]/',
  ])('refuses %s', (url) => {
    expect(() => gate(new URL(url))).toThrow(UnrecoverableError)
    expect(() => gate(new URL(url))).toThrow('no public address; to allow it, add')
  })

  it('says what to add to the allow list', () => {
    expect(() => gate(new URL('http://[::1]:6379/'))).toThrow(
      forbidden('[::1] is no public address; to allow it, add [::1]:6379 to FOLIOT_HTTP_ALLOW'),
    )
  })

  it.each(['file:///etc/passwd', 'ftp://example.com/', 'gopher://example.com/', 'data:text/plain,a', 'unix:/tmp/a'])(
    'refuses the scheme of %s',
    (url) => {
      const scheme = new URL(url).protocol
      expect(() => gate(new URL(url))).toThrow(
        forbidden(`expected an http or https URL, got one that starts with "${scheme}"`),
      )
    },
  )

  it.each(['http://user:secret@example.com/', 'http://secret@example.com/', 'http://:secret@example.com/'])(
    'refuses the credentials of %s without repeating them',
    (url) => {
      const message = 'expected a URL without user and password for example.com; send an Authorization header instead'
      expect(() => gate(new URL(url))).toThrow(forbidden(message))
    },
  )

  it.each(['http://8.8.8.8/', 'https://[2606:4700:4700::1111]/', 'https://example.com/'])('lets %s pass', (url) => {
    expect(gate(new URL(url))).toBeTypeOf('function')
  })
})

describe('the gate, by the addresses of a name', () => {
  it.each(['127.0.0.1', '10.0.0.7', '169.254.169.254', '::1', 'fd00:ec2::254', '::ffff:10.0.0.7'])(
    'refuses a name that leads to %s',
    async (address) => {
      await expect(lookUp('http://innocent.example:81/', { resolve: resolvesTo(address) })).rejects.toEqual(
        forbidden(
          `innocent.example (${address}) is no public address; to allow it, add innocent.example:81 to FOLIOT_HTTP_ALLOW`,
        ),
      )
    },
  )

  it('refuses a name that leads to public addresses and to one that is not', async () => {
    const resolve = resolvesTo('8.8.8.8', '10.0.0.7', '9.9.9.9')
    await expect(lookUp('http://mixed.example/', { resolve })).rejects.toThrow('mixed.example (10.0.0.7)')
  })

  it('gives the very addresses that it has checked, and looks them up once', async () => {
    const answers = [[ip4('8.8.8.8')], [ip4('127.0.0.1')]]
    const addresses = await lookUp('http://rebinding.example/', { resolve: async () => answers.shift() ?? [] })
    expect(addresses).toEqual([ip4('8.8.8.8')])
    expect(answers).toEqual([[ip4('127.0.0.1')]])
  })

  it('gives one address to a caller that wants one', async () => {
    const lookup = makeGate(new Set(), resolvesTo('8.8.8.8', '9.9.9.9'))(new URL('http://a.example/'))
    const answer = await new Promise((done) => lookup('a.example', {}, (...answer) => done(answer)))
    expect(answer).toEqual([null, '8.8.8.8', 4])
  })

  it('lets an allowed name lead anywhere, but not on another port', async () => {
    const resolve = resolvesTo('10.0.0.7')
    const allow = 'billing.internal:8080'
    expect(await lookUp('http://billing.internal:8080/', { resolve, allow })).toEqual([ip4('10.0.0.7')])
    await expect(lookUp('http://billing.internal:8081/', { resolve, allow })).rejects.toThrow('no public address')
  })

  it('hands on why a name cannot be resolved', async () => {
    const reason = new Error('getaddrinfo ENOTFOUND nowhere.example')
    await expect(lookUp('http://nowhere.example/', { resolve: () => Promise.reject(reason) })).rejects.toBe(reason)
    await expect(lookUp('http://empty.example/', { resolve: resolvesTo() })).rejects.toThrow(
      'empty.example has no address',
    )
  })

  it('asks the system if it was given no other way', async () => {
    const lookup = makeGate(new Set())(new URL('http://localhost/'))
    const error = await new Promise((done) => lookup('localhost', { all: true }, done))
    expect(error).toMatchObject({ kind: 'forbidden_target' })
  })
})
