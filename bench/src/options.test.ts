import { describe, expect, it } from 'vitest'
import { readOptions } from './options.ts'

const read = (...args: string[]) => readOptions(args, '/somewhere')

describe('the arguments of a bench', () => {
  it('ask for five rounds by default', () => {
    expect(read()).toEqual({ rounds: 5, short: false, sizes: {}, flags: new Set() })
  })

  it('may ask for more rounds, or for a single tiny one', () => {
    expect(read('--rounds', '9')).toEqual({ rounds: 9, short: false, sizes: {}, flags: new Set() })
    expect(read('--short')).toEqual({ rounds: 1, short: true, sizes: {}, flags: new Set() })
  })

  it('may be of one bench alone', () => {
    const own = { rounds: 3, sizes: { jobs: { standard: 1000, short: 10, most: 5000 } } }
    const readOwn = (...args: string[]) => readOptions(args, '/somewhere', own)
    expect(readOwn()).toEqual({ rounds: 3, short: false, sizes: { jobs: 1000 }, flags: new Set() })
    expect(readOwn('--short').sizes).toEqual({ jobs: 10 })
    expect(readOwn('--jobs', '5000').sizes).toEqual({ jobs: 5000 })
    expect(() => readOwn('--jobs', '5001')).toThrow('from 1 to 5000, got "5001"')
    expect(() => read('--jobs', '10')).toThrow("Unknown option '--jobs'")
  })

  it('name the folder of profiles from where the bench was started', () => {
    expect(read('--profile', 'profiles').profileDir).toBe('/somewhere/profiles')
  })

  it.each([
    [['--rounds', '0'], 'got "0"'],
    [['--rounds', '2.5'], 'got "2.5"'],
    [['--rounds', '3', '--short'], 'got both'],
    [['--round', '3'], "Unknown option '--round'"],
    [['twice'], 'twice'],
  ])('that do not fit are refused: %j', (args, message) => {
    expect(() => read(...args)).toThrow(message)
  })
})
