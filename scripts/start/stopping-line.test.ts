import { describe, expect, it } from 'vitest'
import { stoppingLine } from './stopping-line.ts'

describe('stoppingLine', () => {
  it('says who stops in which order, and how long that may take', () => {
    expect(stoppingLine(['worker', 'api'], {})).toBe(
      'Stopping worker, then api … Jobs that run have up to 10 s to end; a second Ctrl-C ends all at once.',
    )
  })

  it('knows the grace that the worker was given', () => {
    expect(stoppingLine(['worker'], { FOLIOT_SHUTDOWN_GRACE_MS: '2500' })).toContain(' up to 2.5 s ')
    expect(stoppingLine(['worker'], { FOLIOT_SHUTDOWN_GRACE_MS: '' })).toContain(' up to 10 s ')
    expect(stoppingLine(['worker'], { FOLIOT_SHUTDOWN_GRACE_MS: 'long' })).toBe('Stopping worker …')
  })
})
