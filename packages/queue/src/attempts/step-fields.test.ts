import { describe, expect, it } from 'vitest'
import { readSteps, stepField } from './step-fields.ts'

describe('readSteps', () => {
  it('finds the steps among the fields of a job', () => {
    const fields = {
      name: 'x',
      st: 'retrying',
      [stepField('pay')]: '1',
      [stepField('')]: 'null',
      [stepField('a:b')]: '{}',
    }
    expect([...readSteps(fields)]).toEqual([
      ['pay', '1'],
      ['', 'null'],
      ['a:b', '{}'],
    ])
  })

  it('finds none in a job without', () => {
    expect(readSteps({ name: 'x', stc: '1' }).size).toBe(0)
  })
})
