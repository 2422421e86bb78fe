import { expect, it } from 'vitest'
import { isLoopback } from './loopback.ts'

it.each([
  'localhost',
  '127.0.0.1',
  '127.0.0.2',
  '127.255.255.254',
  '::1',
  '0:0:0:0:0:0:0:1',
  '::1%lo',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
])('knows that only this machine reaches %s', (host) => {
  expect(isLoopback(host)).toBe(true)
})

it.each([
  '0.0.0.0',
  '::',
  '::ffff:0.0.0.0',
  '::ffff:10.0.0.1',
  '10.0.0.1',
  '128.0.0.1',
  '126.255.255.255',
  '169.254.169.254',
  'fe80::1%eth0',
  '::2',
])('knows that others may reach %s', (host) => {
  expect(isLoopback(host)).toBe(false)
})

// What a name stands for is for the resolver to say, and may change; so may how an odd spelling of an address is read.
it.each(['', 'example.com', 'localhost.example.com', 'LOCALHOST', '127.1', '0177.0.0.1', '2130706433', '[::1]', '*'])(
  'takes %j for reachable',
  (host) => {
    expect(isLoopback(host)).toBe(false)
  },
)
