import { expect, it } from 'vitest'
import { readPositions, writePositions } from './event-positions.ts'

it('reads what it has written', () => {
  const positions = new Map([
    ['demo', '1795288456213-0'],
    ['a.b-c_d', '0-0'],
  ])
  expect(readPositions(writePositions(positions))).toEqual(positions)
})

it.each([
  '',
  'demo',
  'demo=',
  'demo=1',
  'demo=1-0,',
  'demo=1-0,demo=2-0',
  'Demo=1-0',
  'demo=1-0=2',
  'demo=-1-0',
  'demo=1e3-0',
  `demo=${'9'.repeat(16)}-0`,
  '=1-0',
  'demo=1-0, mail=1-0',
  "demo=1-0' or 1=1",
])('reads nothing into %j', (text) => {
  expect(readPositions(text)).toBeUndefined()
})
