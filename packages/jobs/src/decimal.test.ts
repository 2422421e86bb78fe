import { expect, it } from 'vitest'
import { decimalOf, isDecimal } from './decimal.ts'

it.each([
  [['0', '-0', '0.00', '0e7'], '0'],
  [['42', '42.0', '4.2e1', '0.42E+2', '4200e-2'], '42e0'],
  [['-12345678901234567890', '-1234567890123456789e1'], '-1234567890123456789e1'],
])('%j are one number', (spellings, decimal) => {
  expect(spellings.map(decimalOf)).toEqual(spellings.map(() => decimal))
})

it('takes for numbers what JSON does', () => {
  for (const text of ['0', '-1.5', '12345678901234567890', '1e5', '1E-20'])
    expect([text, isDecimal(text)]).toEqual([text, true])
  for (const text of ['', ' 1', '0x2A', '+1', '.5', '1.', '01', '1e100', 'Infinity', '1_0', '٣']) {
    expect([text, isDecimal(text)]).toEqual([text, false])
  }
})
