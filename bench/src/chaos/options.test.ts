import { describe, expect, it } from 'vitest'
import { readOptions } from './options.ts'

describe('the options of the chaos suite', () => {
  it('are a minute and any seed', () => {
    const { minutes, seed } = readOptions([])
    expect(minutes).toBe(1)
    expect(Number.isSafeInteger(seed)).toBe(true)
    expect(readOptions([]).seed).not.toBe(readOptions([]).seed)
  })

  it('are what was asked for', () => {
    expect(readOptions(['--minutes', '10', '--seed', '7'])).toEqual({ minutes: 10, seed: 7 })
    expect(readOptions(['--minutes=0.5', '--seed=0'])).toEqual({ minutes: 0.5, seed: 0 })
  })

  it.each([
    [['--minutes', '0'], 'expected --minutes to be a number above 0, at most 1440, got "0"'],
    [['--minutes', 'ten'], 'got "ten"'],
    [['--minutes', '1441'], 'got "1441"'],
    [['--seed', '1.5'], 'expected --seed to be a whole number from 0 to 4294967295, got "1.5"'],
    [['--seed', '4294967296'], 'got "4294967296"'],
    [['--hours', '1'], "Unknown option '--hours'"],
    [['now'], 'now'],
  ])('are refused with the reason: %j', (args, message) => {
    expect(() => readOptions(args)).toThrow(message)
    expect(() => readOptions(args)).toThrow('usage: pnpm chaos [--minutes N] [--seed S]')
  })
})
