import { describe, expect, it } from 'vitest'
import { findWrongOption, integer, oneOf } from './find-wrong-option.ts'

const KNOWN = { size: integer(1, 9), colour: oneOf('red', 'blue') }
const find = (given: unknown, required?: string[]) => findWrongOption('paint', given, KNOWN, required)

describe('findWrongOption', () => {
  it.each([{}, { size: 1 }, { size: 9, colour: 'red' }])('finds nothing wrong in %j', (given) => {
    expect(find(given)).toBeUndefined()
  })

  it.each<[string, unknown, string]>([
    ['a number that is too small', { size: 0 }, 'expected `paint.size` to be an integer from 1 to 9, got 0'],
    ['a fraction', { size: 1.5 }, 'got 1.5'],
    ['no number', { size: Number.NaN }, 'got NaN'],
    ['a number as text', { size: '3' }, 'got "3"'],
    ['undefined', { size: undefined }, 'got undefined'],
    ['another word', { colour: 'green' }, 'expected `paint.colour` to be one of red, blue, got "green"'],
    ['a list', { colour: ['red', Number.NaN] }, 'got ["red", NaN]'],
    ['an object', { colour: { red: true } }, 'got an object'],
    ['a symbol', { colour: Symbol('red') }, 'got Symbol(red)'],
    ['an unknown name', { color: 'red' }, 'unknown option `paint.color`; known are size, colour'],
    ['a name that every object has', { constructor: 1 }, 'unknown option `paint.constructor`'],
    ['no object', 'red', 'expected `paint` to be an object, got "red"'],
    ['null', null, 'expected `paint` to be an object, got null'],
    ['a list for an object', [], 'expected `paint` to be an object, got []'],
  ])('tells of %s', (_, given, problem) => {
    expect(find(given)).toContain(problem)
  })

  it('tells of what is missing', () => {
    expect(find({ size: 1 }, ['size', 'colour'])).toBe('expected `paint.colour` to be one of red, blue, got undefined')
  })

  it('shows only the beginning of a long value', () => {
    expect(find({ colour: 'x'.repeat(100_000) })?.length).toBeLessThan(400)
    expect(find({ colour: Array.from({ length: 100_000 }, () => 0) })?.length).toBeLessThan(400)
  })
})
