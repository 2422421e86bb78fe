import { expect, it } from 'vitest'
import { Complaints } from './complaints.ts'

it('tells the same once a minute, and anything else at once', () => {
  const told: string[] = []
  let now = 0
  const complaints = new Complaints({ error: (_: object, text: string) => void told.push(text) }, () => now)
  const tell = (message: string, what = 'nothing could be recorded') => complaints.tell(new Error(message), what)
  tell('a')
  tell('a')
  expect(told).toEqual(['nothing could be recorded; it is tried again: a'])
  tell('b')
  tell('a')
  tell('a', 'nothing could be watched')
  expect(told).toHaveLength(3)
  now = 59_999
  tell('a', 'nothing could be watched')
  expect(told).toHaveLength(3)
  now = 60_000
  tell('a', 'nothing could be watched')
  expect(told).toHaveLength(4)
})

it('remembers the last ten', () => {
  const told: string[] = []
  const complaints = new Complaints({ error: (_: object, text: string) => void told.push(text) }, () => 0)
  for (let n = 0; n <= 10; n++) complaints.tell(new Error(`error ${n}`), 'nothing could be recorded')
  complaints.tell(new Error('error 10'), 'nothing could be recorded')
  expect(told).toHaveLength(11)
  complaints.tell(new Error('error 0'), 'nothing could be recorded')
  expect(told).toHaveLength(12)
})
