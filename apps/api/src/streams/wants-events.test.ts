import { expect, it } from 'vitest'
import { wantsEvents } from './wants-events.ts'

it.each([
  'text/event-stream',
  'TEXT/Event-Stream',
  'text/event-stream;q=0.1, */*',
  'text/plain, text/event-stream',
  'text/plain;q=0.5,text/event-stream;q=0.9',
  'application/json, text/event-stream; q=0.2',
])('gives events to who accepts %j', (accept) => {
  expect(wantsEvents(accept)).toBe(true)
})

it.each([
  undefined,
  '',
  '*/*',
  'text/*',
  'text/plain',
  'text/html,application/xhtml+xml,*/*;q=0.8',
  'text/event-stream;q=0',
  'text/event-stream;q=x',
  'text/event-stream;q=2',
  'text/plain, text/event-stream;q=0.5',
  'text/event-streams',
])('gives text to who accepts %j', (accept) => {
  expect(wantsEvents(accept)).toBe(false)
})
