import { describe, expect, it } from 'vitest'
import { ERROR_KINDS, JobError, UnrecoverableError } from './job-error.ts'

describe('JobError', () => {
  it('is a retryable error of the kind `error`, unless it says otherwise', () => {
    expect(new JobError('no')).toMatchObject({
      name: 'JobError',
      message: 'no',
      kind: 'error',
      retryable: true,
      retryAfterMs: undefined,
    })
  })

  it('says how it is to be treated', () => {
    const cause = new Error('deep')
    const error = new JobError('busy', { kind: 'rate_limited', retryable: false, retryAfterMs: 5000, cause })
    expect(error).toMatchObject({ kind: 'rate_limited', retryable: false, retryAfterMs: 5000, cause })
    expect(error).toBeInstanceOf(Error)
  })
})

describe('UnrecoverableError', () => {
  it('is never retried', () => {
    expect(new UnrecoverableError('no')).toMatchObject({
      name: 'UnrecoverableError',
      kind: 'unrecoverable',
      retryable: false,
    })
    const untyped = { retryable: true } as object
    expect(new UnrecoverableError('no', untyped).retryable).toBe(false)
  })

  it('may be of another kind, and is a JobError', () => {
    const error = new UnrecoverableError('no', { kind: 'invalid_input', cause: 'x' })
    expect(error).toMatchObject({ kind: 'invalid_input', cause: 'x' })
    expect(error).toBeInstanceOf(JobError)
  })
})

describe('ERROR_KINDS', () => {
  it('has names of the form that a handler’s own kinds have, each under itself', () => {
    for (const [name, kind] of Object.entries(ERROR_KINDS)) {
      expect(kind).toBe(name)
      expect(kind).toMatch(/^[a-z][a-z0-9_]*$/)
    }
    expect(Object.isFrozen(ERROR_KINDS)).toBe(true)
  })
})
