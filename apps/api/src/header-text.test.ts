import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { atEndOfFile } from '@foliot/testkit'
import { expect, it } from 'vitest'
import { headerText } from './header-text.ts'

const server = createServer((_request, response) => response.end()).listen(0, '127.0.0.1')
await once(server, 'listening')
atEndOfFile(async () => void server.close())

/** A request as the server sees it that was sent with this header, once for each value. */
async function received(values: string[]): Promise<IncomingMessage> {
  const seen = once(server, 'request')
  const { port } = server.address() as AddressInfo
  const sent = request({ port, host: '127.0.0.1', agent: false, headers: { 'x-test': values } }).end()
  const [[response]] = await Promise.all([once(sent, 'response'), seen])
  response.resume()
  return (await seen)[0]
}

/** What is on the wire if a header is sent in UTF-8: Node's client writes one byte for each character. */
const inUtf8 = (text: string): string => Buffer.from(text).toString('latin1')

it.each<[string, string, string]>([
  ['plain text', 'abc', 'abc'],
  ['UTF-8', inUtf8('zurück – 速く'), 'zurück – 速く'],
  ['bytes that are no UTF-8', 'zur\u00fcck', 'zurück'],
  ['a comma', 'a, b', 'a, b'],
])('reads %s', async (_what, sent, expected) => {
  expect(headerText(await received([sent]), 'x-test')).toBe(expected)
})

it('gives undefined for a header that was not sent', async () => {
  expect(headerText(await received([]), 'x-test')).toBeUndefined()
})

it('refuses a header that was sent twice, and says how often', async () => {
  const twice = await received(['a', 'b'])
  expect(() => headerText(twice, 'x-test')).toThrow('expected the header once, got it 2 times')
})
