import { describe, expect, it } from 'vitest'
import { show, table } from './table.ts'

describe('a table', () => {
  it('has its names on the left and its numbers on the right', () => {
    const text = table(
      ['median', 'ours'],
      [
        ['jobsPerSecond', '12345'],
        ['p99Ms', '7'],
      ],
    )
    expect(text.split('\n')).toEqual(['median          ours', 'jobsPerSecond  12345', 'p99Ms              7'])
  })
})

describe('a number for people', () => {
  it.each([
    [12345.678, '12346'],
    [42.126, '42.13'],
    [-7.5, '-7.5'],
    [0, '0'],
  ])('%d is shown as %s', (value, text) => {
    expect(show(value)).toBe(text)
  })
})
