import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ERRORS, type ErrorCode, FoliotError } from './errors.ts'
import { ERROR_KINDS } from './job-error.ts'

const page = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8')

describe('docs/errors.md', () => {
  it('lists every code with its status and its meaning, and no other', () => {
    const rows = [...page.matchAll(/^\| `(\w+)` +\| (\d{3}) +\| (.+?) *\| .+\|$/gm)]
    const listed = rows.map(([, code, status, title]) => [code, Number(status), title])
    expect(listed).toEqual(Object.entries(ERRORS).map(([code, { status, title }]) => [code, status, title]))
  })

  it('lists every kind of failure that Foliot gives itself, and no other', () => {
    const listed = [...page.matchAll(/^\| `(\w+)` +\| [^\d|].+\|$/gm)].map(([, kind]) => kind)
    expect(listed).toEqual(Object.values(ERROR_KINDS))
  })
})

describe('ERRORS', () => {
  it.each(Object.entries(ERRORS))('%s is an HTTP error with a title', (_, { status, title }) => {
    expect([status >= 400, status < 600]).toEqual([true, true])
    expect(title).toMatch(/^[A-Z].*[^.]$/)
  })
})

describe('FoliotError', () => {
  it.each(Object.keys(ERRORS) as ErrorCode[])('takes its status from its code: %s', (code) => {
    expect(new FoliotError(code, 'x').status).toBe(ERRORS[code].status)
  })

  it('carries what a caller can use', () => {
    const cause = new Error('deep')
    const errors = [{ path: '/input', message: 'expected a string, got 5' }]
    const error = new FoliotError('validation_failed', 'expected x, got y', {
      hint: 'send x',
      errors,
      retryAfterSeconds: 3,
      cause,
    })
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({
      name: 'FoliotError',
      message: 'expected x, got y',
      code: 'validation_failed',
      hint: 'send x',
      errors,
      retryAfterSeconds: 3,
      cause,
    })
  })

  it('has no more than code and message unless more is given', () => {
    const { hint, errors, retryAfterSeconds, cause } = new FoliotError('internal', 'x')
    expect([hint, errors, retryAfterSeconds, cause]).toEqual([undefined, undefined, undefined, undefined])
  })
})
