import { describe, expect, it } from 'vitest'
import { makeTally, type TallyOptions } from './tally.ts'

const HEADER = ['Town', 'Cost Total $', 'Note']

function tallyOf(options: TallyOptions, ...rows: string[][]) {
  const tally = makeTally(HEADER, options)
  for (const row of rows) tally.add(row)
  return tally
}

const byTown = { groupBy: 'Town', measure: 'Cost Total $' }

describe('a tally', () => {
  it('counts rows by group', () => {
    const tally = tallyOf({ groupBy: 'Town' }, ['Ulm', '', ''], ['Bonn', 'x', ''], ['Ulm', '2', ''])
    expect([...tally.groups].map(([name, { count }]) => [name, count])).toEqual([
      ['Ulm', 2],
      ['Bonn', 1],
    ])
    expect(tally).toMatchObject({ read: 3, skipped: 0 })
  })

  it('takes each way to write a number', () => {
    const cells = ['1', '-2', '+3', '4.5', '.5', '5.', '1e2', '1E-2', ' 7 ', '007']
    const tally = tallyOf(byTown, ...cells.map((cell) => ['Ulm', cell, '']))
    expect(tally.groups.get('Ulm')).toMatchObject({ count: 10, min: -2, max: 100 })
    expect(tally.skipped).toBe(0)
  })

  it.each(['', ' ', 'n/a', '0x10', '1,5', '1.234,5', '12 km', 'Infinity', 'NaN', '1e999', '1e', '--1', '.', 'null'])(
    'skips and counts a row with %j for a number',
    (cell) => {
      const tally = tallyOf(byTown, ['Ulm', cell, ''], ['Ulm', '5', ''])
      expect(tally).toMatchObject({ read: 2, skipped: 1 })
      expect(tally.groups.get('Ulm')).toMatchObject({ count: 1, sum: 5 })
    },
  )

  it('has no group whose rows are all skipped', () => {
    expect(tallyOf(byTown, ['Ulm', '', '']).groups.size).toBe(0)
  })

  it('takes cells that are missing at the end for empty, and skips a row with a cell too many', () => {
    const tally = tallyOf({ groupBy: 'Note' }, ['Ulm', '1'], ['Ulm', '1', 'a', 'b'])
    expect([...tally.groups.keys()]).toEqual([''])
    expect(tally).toMatchObject({ read: 2, skipped: 1 })
  })

  it('keeps apart names that an object would mix up', () => {
    const names = ['__proto__', 'constructor', 'toString', '']
    const tally = tallyOf({ groupBy: 'Town' }, ...names.map((name) => [name, '', '']))
    expect([...tally.groups.keys()]).toEqual(names)
  })

  it.each([
    [{ groupBy: 'town' }, 'expected a column of the table, got "town"; it has "Town", "Cost Total $", "Note"'],
    [{ groupBy: 'Town', measure: 'Cost' }, 'expected a column of the table, got "Cost"'],
  ])('refuses a column that is not there, and lists those that are', (options, message) => {
    expect(() => makeTally(HEADER, options)).toThrow(
      expect.objectContaining({
        name: 'UnrecoverableError',
        kind: 'unknown_column',
        message: expect.stringContaining(message),
      }),
    )
  })

  it('refuses a column that is there twice', () => {
    expect(() => makeTally(['a', 'b', 'a'], { groupBy: 'a' })).toThrow('expected a column that the table has once')
    expect(makeTally(['a', 'b', 'b'], { groupBy: 'a' }).groups.size).toBe(0)
  })

  it('refuses more groups than it may have', () => {
    const tally = tallyOf({ groupBy: 'Town', groupsMax: 2 }, ['Ulm'], ['Bonn'], ['Ulm'])
    expect(() => tally.add(['Kiel'])).toThrow(
      expect.objectContaining({
        name: 'UnrecoverableError',
        kind: 'too_many_groups',
        message: expect.stringContaining('"Town" to have at most 2 different values'),
      }),
    )
  })

  it('refuses names that are too long together', () => {
    const tally = tallyOf({ groupBy: 'Town', namesMax: 8 }, ['Ulm'], ['Bonn'], ['Bonn'])
    expect(() => tally.add(['Au'])).toThrow(expect.objectContaining({ kind: 'too_many_groups' }))
  })

  it('keeps a hundred thousand rows of three groups as three groups', () => {
    const tally = makeTally(HEADER, byTown)
    for (let i = 0; i < 100_000; i++) tally.add([`Town ${i % 3}`, String(i), `note ${i}`])
    expect(tally.read).toBe(100_000)
    expect(tally.groups.size).toBe(3)
    expect(Object.keys(tally.groups.get('Town 0') ?? {})).toEqual(['count', 'sum', 'lost', 'min', 'max'])
  })
})
