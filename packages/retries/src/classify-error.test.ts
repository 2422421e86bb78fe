import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { createContext, runInContext } from 'node:vm'
import { JobError, LIMITS, UnrecoverableError } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { classifyError } from './classify-error.ts'

const refuse = () => {
  throw new Error('hands off')
}
const hostileProxy = new Proxy(
  {},
  { get: refuse, has: refuse, ownKeys: refuse, getPrototypeOf: refuse, getOwnPropertyDescriptor: refuse },
)
const revokedProxy = (() => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
})()
const errorWithHostileGetters = Object.defineProperties(new Error('x'), {
  message: { get: refuse },
  name: { get: refuse },
  stack: { get: refuse },
  cause: { get: refuse },
})

const cyclic: Error & { errors?: unknown[]; self?: unknown } = new Error('round')
cyclic.cause = cyclic
cyclic.errors = [cyclic]
cyclic.self = cyclic

describe('classifyError', () => {
  it('keeps the name, message and stack of an error, and retries it', () => {
    const error = new RangeError('too far')
    expect(classifyError(error)).toEqual({
      name: 'RangeError',
      message: 'too far',
      kind: 'error',
      stack: error.stack,
      retryable: true,
    })
  })

  it.each([
    ['a string', 'boom', 'boom'],
    ['an empty string', '', ''],
    ['undefined', undefined, 'undefined was thrown'],
    ['null', null, 'null was thrown'],
    ['a number', 42, '42 was thrown'],
    ['a bigint', 5n, '5n was thrown'],
    ['a symbol', Symbol('s'), 'Symbol(s) was thrown'],
    ['a function', refuse, '[Function: refuse] was thrown'],
    ['an object with a name', { name: 'Ada' }, "{ name: 'Ada' } was thrown"],
    ['an object', { code: 7, deep: { a: [1] } }, '{ code: 7, deep: { a: [ 1 ] } } was thrown'],
    ['an object without a prototype', Object.create(null), '[Object: null prototype] {} was thrown'],
    ['a revoked proxy', revokedProxy, '<Revoked Proxy> was thrown'],
    ['a proxy that throws at every touch', hostileProxy, '{} was thrown'],
  ])('takes %s', (_, thrown, message) => {
    expect(classifyError(thrown)).toEqual({ name: 'NonError', message, kind: 'error', retryable: true })
  })

  it('takes an error whose every property throws', () => {
    expect(classifyError(errorWithHostileGetters)).toMatchObject({ name: 'NonError', kind: 'error', retryable: true })
  })

  it('takes an error that is its own cause and its own part', () => {
    expect(classifyError(cyclic)).toMatchObject({ message: 'round: round', stack: cyclic.stack })
  })

  it('takes an error with properties of the wrong types', () => {
    const odd = Object.assign(new Error('odd'), { name: 7, stack: {}, kind: {}, retryable: 'no', retryAfterMs: -1 })
    expect(classifyError(odd)).toEqual({ name: 'Error', message: 'odd', kind: 'error', retryable: true })
  })

  it('knows an error from another realm', () => {
    const foreign = runInContext('new TypeError("from afar")', createContext())
    expect(foreign).not.toBeInstanceOf(Error)
    expect(classifyError(foreign)).toMatchObject({ name: 'TypeError', message: 'from afar' })
  })

  it('cuts a message of 5 MB and keeps the lines of its stack', () => {
    const { message, stack = '' } = classifyError(new Error('m'.repeat(5_000_000)))
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(LIMITS.errorMessageBytes)
    expect(message).toMatch(/\[cut from 5000000 bytes\]$/)
    expect(Buffer.byteLength(stack)).toBeLessThanOrEqual(LIMITS.errorStackBytes)
    expect(stack).toMatch(/\n +at .*classify-error\.test\.ts/)
  })

  it('cuts a name and a stack that are too long', () => {
    const error = Object.assign(new Error('x'), { name: 'n'.repeat(100_000), stack: 's'.repeat(100_000) })
    const { name, stack } = classifyError(error)
    expect(name).toMatch(/^n{1,256}… \[cut from 100000 bytes\]$/)
    expect(Buffer.byteLength(stack ?? '')).toBeLessThanOrEqual(LIMITS.errorStackBytes)
  })

  it('shows only the beginning of a large value', () => {
    const { message } = classifyError({ rows: Array.from({ length: 100_000 }, () => 'row'.repeat(1000)) })
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(LIMITS.errorMessageBytes)
  })

  it('appends the stacks of its causes', () => {
    const root = new Error('disk full')
    const middle = new Error('write failed', { cause: root })
    const { stack } = classifyError(new Error('no invoice', { cause: middle }))
    expect(stack).toMatch(
      /^Error: no invoice\n[\s\S]+\ncaused by: Error: write failed\n[\s\S]+\ncaused by: Error: disk full\n/,
    )
  })

  it('tells in the message what caused it, three causes deep, and nothing twice', () => {
    const root = new Error('disk full')
    const middle = new Error('write failed', { cause: root })
    expect(classifyError(new Error('no invoice', { cause: middle })).message).toBe(
      'no invoice: write failed: disk full',
    )
    expect(classifyError(new Error('no invoice: write failed', { cause: middle })).message).toBe(
      'no invoice: write failed: disk full',
    )
    const deep = Array.from({ length: 9 }).reduce<Error>((cause, _, i) => new Error(`e${i}`, { cause }), new Error('e'))
    expect(classifyError(deep).message).toBe('e8: e7: e6: e5')
    const long = new Error('x', { cause: new Error('c'.repeat(1_000_000)) })
    expect(classifyError(long).message).toMatch(/^x: c{1,2100}… \[cut from 1000000 bytes\]$/)
  })

  it('says why a fetch failed', async () => {
    // Nothing may listen on a port that has just been given up.
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    const failure = await fetch(`http://127.0.0.1:${port}/`).catch((error: unknown) => error)
    expect(classifyError(failure)).toMatchObject({
      name: 'TypeError',
      message: `fetch failed: connect ECONNREFUSED 127.0.0.1:${port}`,
    })
    const codeOnly = new TypeError('fetch failed', {
      cause: Object.assign(new AggregateError([], ''), { code: 'ECONNREFUSED' }),
    })
    expect(classifyError(codeOnly).message).toBe('fetch failed: ECONNREFUSED')
  })

  it('takes a cause that is no error, and stops at the fifth', () => {
    expect(classifyError(new Error('x', { cause: 'full moon' })).stack).toMatch(/\ncaused by: full moon$/)
    const deep = Array.from({ length: 100 }).reduce<Error>(
      (cause, _, i) => new Error(`e${i}`, { cause }),
      new Error('e'),
    )
    expect(classifyError(deep).stack?.match(/caused by: /g)).toHaveLength(5)
  })

  it('names the errors of an AggregateError, five at most', () => {
    const errors = Array.from({ length: 9 }, (_, i) => new Error(`e${i}`))
    expect(classifyError(new AggregateError(errors, 'all failed'))).toMatchObject({
      name: 'AggregateError',
      message: 'all failed: e0; e1; e2; e3; e4',
    })
  })

  it('says what a refused connection is, whatever addresses were tried', async () => {
    const refused = await new Promise((resolve) => connect({ port: 1, host: 'localhost' }).on('error', resolve))
    expect(classifyError(refused).message).toContain('ECONNREFUSED')
    const anonymous = Object.assign(new AggregateError([], ''), { code: 'ECONNREFUSED' })
    expect(classifyError(anonymous).message).toBe('ECONNREFUSED')
  })
})

describe('how an error wishes to be treated', () => {
  it('is read from a JobError', () => {
    const error = new JobError('slow down', { kind: 'rate_limited', retryAfterMs: 1500 })
    expect(classifyError(error)).toMatchObject({
      name: 'JobError',
      kind: 'rate_limited',
      retryable: true,
      retryAfterMs: 1500,
    })
    expect(classifyError(new UnrecoverableError('no such customer'))).toMatchObject({
      name: 'UnrecoverableError',
      kind: 'unrecoverable',
      retryable: false,
    })
  })

  it('is read from the shape, for a JobError of another copy of the package', () => {
    class CustomerGone extends Error {
      override readonly name = 'CustomerGone'
      readonly kind = 'gone'
      readonly retryable = false
    }
    expect(classifyError(new CustomerGone('bye'))).toMatchObject({ kind: 'gone', retryable: false })
    const named = Object.assign(new Error('bye'), { name: 'UnrecoverableError' })
    expect(classifyError(named)).toMatchObject({ kind: 'unrecoverable', retryable: false })
  })

  it('is not read from a property of the same name that means something else', () => {
    expect(classifyError(Object.assign(new Error('x'), { kind: 'ObjectId' }))).toMatchObject({ kind: 'error' })
    expect(classifyError(Object.assign(new Error('x'), { retryable: false }))).toMatchObject({ retryable: true })
  })

  it.each([
    ['with spaces', 'Rate limit!', 'rate_limit_'],
    ['of digits', '42', 'error'],
    ['that is empty', '', 'error'],
    ['that is too long', 'k'.repeat(1000), 'k'.repeat(64)],
  ])('makes a word of a kind %s and honours the rest', (_, kind, word) => {
    expect(classifyError(new JobError('x', { kind, retryable: false }))).toMatchObject({ kind: word, retryable: false })
  })

  it('is read from any error that says when to come back, as those of HTTP clients do', () => {
    const busy = Object.assign(new Error('slow down'), { status: 429, retryAfterMs: 1500 })
    expect(classifyError(busy)).toMatchObject({ name: 'Error', kind: 'error', retryable: true, retryAfterMs: 1500 })
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -5])('leaves out a retryAfterMs of %d', (retryAfterMs) => {
    expect(classifyError(new JobError('x', { retryAfterMs }))).not.toHaveProperty('retryAfterMs')
  })
})
