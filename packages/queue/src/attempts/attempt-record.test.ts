import { describe, expect, it } from 'vitest'
import { ATTEMPT_FIELDS, attemptField, attemptOf } from './attempt-record.ts'

const fieldsAfter = (attempts: number): Map<string, number> =>
  new Map(Array.from({ length: attempts }, (_, i) => [attemptField(i + 1), i + 1]))

describe('attemptField', () => {
  it.each([3, 20, 21, 1000])('keeps the first three and the last seventeen of %d attempts', (attempts) => {
    const kept = [...fieldsAfter(attempts).values()].sort((a, b) => a - b)
    const all = Array.from({ length: attempts }, (_, i) => i + 1)
    expect(kept).toEqual(attempts <= 20 ? all : [...all.slice(0, 3), ...all.slice(-17)])
  })

  it('uses the fields that are read, and all of them', () => {
    expect([...fieldsAfter(1000).keys()].sort()).toEqual([...ATTEMPT_FIELDS].sort())
  })
})

describe('attemptOf', () => {
  it('reads the number, if there is a record and it can be read', () => {
    expect(attemptOf('{"n":3,"outcome":"lost"}')).toBe(3)
    for (const broken of [undefined, null, 'null', '{', '5', '{}']) expect(attemptOf(broken)).toBeUndefined()
  })
})
