import { describe, expect, it } from 'vitest'
import { durationMs, flag, integer, list, oneOf, port, secret, text, url } from './setting.ts'

const redis = url({ protocols: ['redis:', 'rediss:'] })

describe('a setting', () => {
  it.each([
    ['port', port(), '0', 0],
    ['port', port(), ' 65535 ', 65_535],
    ['durationMs', durationMs(), '2147483647', 2_147_483_647],
    ['integer', integer({ min: -5, max: 5 }), '-5', -5],
    ['list', list(), ' a, b ,,c,', ['a', 'b', 'c']],
    ['list', list(), ' , ', []],
    ['flag', flag(), 'true', true],
    ['flag', flag(), '1', true],
    ['flag', flag(), 'False', false],
    ['flag', flag(), '0', false],
    ['oneOf', oneOf(['info', 'debug']), 'debug', 'debug'],
    ['text', text(), ' as it stands ', ' as it stands '],
    ['secret', secret(), ' as it stands ', ' as it stands '],
    ['url', redis, 'rediss://user:p%40ss@host:6380/2', 'rediss://user:p%40ss@host:6380/2'],
  ])('%s reads "$2"', (_, schema, given, expected) => {
    expect(schema.parse(given)).toEqual(expected)
  })

  it.each([
    ['65536', 'expected a port from 0 to 65535', port()],
    ['-1', 'expected a port from 0 to 65535', port()],
    ['80.5', 'expected a port from 0 to 65535', port()],
    ['0x50', 'expected a port from 0 to 65535', port()],
    ['1e3', 'expected a port from 0 to 65535', port()],
    [' ', 'expected a port from 0 to 65535', port()],
    ['30s', 'expected a number of milliseconds from 0 to 2147483647', durationMs()],
    ['2147483648', 'expected a number of milliseconds from 0 to 2147483647', durationMs()],
    ['99', 'expected a number of milliseconds from 100 to 2147483647', durationMs({ min: 100 })],
    ['6', 'expected an integer from 1 to 5', integer({ min: 1, max: 5 })],
    ['yes', 'expected true, false, 1 or 0', flag()],
    ['constructor', 'expected true, false, 1 or 0', flag()],
    ['INFO', 'expected one of info, debug', oneOf(['info', 'debug'])],
    ['http://host', 'expected a URL that starts with redis:// or rediss://', redis],
    ['redis:host', 'expected a URL that starts with redis:// or rediss://', redis],
    ['host:6379', 'expected a URL that starts with redis:// or rediss://', redis],
    ['redis://host:99999', 'expected a URL that starts with redis:// or rediss://', redis],
  ])('refuses "%s": %s', (given, message, schema) => {
    expect(schema.safeParse(given).error?.issues).toMatchObject([{ message }])
  })

  it('gives a list that nobody can change', () => {
    expect(Object.isFrozen(list().parse('a,b'))).toBe(true)
  })
})
