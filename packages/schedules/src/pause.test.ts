import { expect, it } from 'vitest'
import { pauseReason } from './pause.ts'

const until = Date.UTC(2027, 0, 1, 10)

it('a schedule that is not paused has no reason to skip', () => {
  expect(pauseReason({ paused: false, reason: 'old', until }, until - 1)).toBeUndefined()
})

it('a pause skips until somebody ends it, with its reason', () => {
  expect(pauseReason({ paused: true }, 0)).toBe('paused')
  expect(pauseReason({ paused: true, reason: 'the provider is down' }, until)).toBe('paused: the provider is down')
})

it('a pause with an end skips what is due before it', () => {
  expect(pauseReason({ paused: true, until }, until - 1)).toBe('paused until 2027-01-01T10:00:00.000Z')
  expect(pauseReason({ paused: true, until }, until)).toBeUndefined()
})
