import type { RetryRule } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { describeRule, findRule } from './find-rule.ts'

const rule = (match: RetryRule['match'], retry: RetryRule['retry'] = false): RetryRule => ({ match, retry })
const busy = { kind: 'busy', name: 'JobError' }

describe('findRule', () => {
  it.each([{ kind: 'busy' }, { name: 'JobError' }, busy, {}])(
    'finds %j for an error with that kind and name',
    (match) => {
      expect(findRule([rule(match)], busy)).toEqual(rule(match))
    },
  )

  it.each([
    { kind: 'lazy' },
    { name: 'TypeError' },
    { kind: 'busy', name: 'TypeError' },
    { kind: 'lazy', name: 'JobError' },
    { kind: 'Busy' },
    { kind: 'bus' },
  ])('does not take %j for it', (match) => {
    expect(findRule([rule(match)], busy)).toBeUndefined()
  })

  it('takes the first that matches', () => {
    const rules = [rule({ kind: 'lazy' }), rule({ name: 'JobError' }, true), rule({ kind: 'busy' }), rule({})]
    expect(findRule(rules, busy)).toBe(rules[1])
    expect(findRule(rules, { kind: 'busy', name: 'Error' })).toBe(rules[2])
    expect(findRule(rules, { kind: 'error', name: 'Error' })).toBe(rules[3])
  })

  it('finds none where there are none', () => {
    expect(findRule(undefined, busy)).toBeUndefined()
    expect(findRule([], busy)).toBeUndefined()
  })
})

it.each([
  [{ kind: 'busy' }, 'the rule for kind busy'],
  [{ name: 'TypeError' }, 'the rule for name TypeError'],
  [busy, 'the rule for kind busy and name JobError'],
  [{}, 'the rule for any error'],
])('describeRule says %j as %s', (match, text) => {
  expect(describeRule({ match })).toBe(text)
})
