import { describe, expect, it } from 'vitest'
import { nearestName } from './nearest-name.ts'

const known = ['email', 'billing', 'demo.echo', 'demo.sleep']

describe('nearestName', () => {
  it.each([
    ['emial', 'email'],
    ['mail', 'email'],
    ['biling', 'billing'],
    ['demo.ecko', 'demo.echo'],
    ['demo.slep', 'demo.sleep'],
  ])('takes %s for %s', (name, meant) => {
    expect(nearestName(name, known)).toBe(meant)
  })

  it.each(['', 'reports', 'em', 'demo'])('guesses nothing for "%s"', (name) => {
    expect(nearestName(name, known)).toBeUndefined()
  })

  it('takes the nearest of several, and the first of equals', () => {
    expect(nearestName('jobs', ['job', 'jobs2', 'jobs'])).toBe('jobs')
    expect(nearestName('jobx', ['joba', 'jobb'])).toBe('joba')
  })

  it('allows one mistake in a short name', () => {
    expect(nearestName('b', ['a'])).toBe('a')
  })

  it('knows nothing among nothing', () => {
    expect(nearestName('email', [])).toBeUndefined()
  })
})
