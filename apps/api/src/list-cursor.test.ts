import { newJobId } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { readCursor, writeCursor } from './list-cursor.ts'

const at = Date.UTC(2026, 10, 21)
const position = { at, id: newJobId(at) }
const notACursor = expect.objectContaining({
  code: 'validation_failed',
  errors: [{ path: '/cursor', message: 'not a cursor of this list' }],
})

const cursorOf = (query: object): string => writeCursor(query, position) as string

/** The cursor with its JSON changed. */
const rewrite = (cursor: string, change: (json: string) => string): string =>
  Buffer.from(change(Buffer.from(cursor, 'base64url').toString())).toString('base64url')

describe('a cursor', () => {
  it('is null at the end of a list, and absent at its beginning', () => {
    expect(writeCursor({}, undefined)).toBeNull()
    expect(readCursor({})).toBeUndefined()
  })

  it('is read as it was written, whatever the limit and the order of the filter', () => {
    const cursor = cursorOf({ status: ['failed', 'queued'], type: 'a.b', limit: 1 })
    expect(readCursor({ type: 'a.b', status: ['queued', 'failed'], limit: 9, cursor } as object)).toEqual(position)
  })

  it.each([
    ['more statuses', { status: ['queued'] }, { status: ['queued', 'failed'] }],
    ['one type', {}, { type: 'test.echo' }],
    ['another type', { type: 'test.echo' }, { type: 'test.other' }],
    ['another field of the same value', { type: 'a' }, { queue: 'a' }],
    ['what came later', {}, { from: '2026-01-01T00:00:00Z' }],
  ])('of one list is refused for a list of %s', (_, query, other) => {
    expect(() => readCursor({ ...other, cursor: cursorOf(query) })).toThrow(notACursor)
  })

  it.each(['nonsense', '', 'e30', 'bnVsbA', 'W10', 'WzAsMF0', 'A'.repeat(400)])('is not %j', (cursor) => {
    expect(() => readCursor({ cursor })).toThrow(notACursor)
  })

  it.each<[string, (cursor: string) => string]>([
    ['something behind it', (cursor) => `${cursor}!`],
    ['a letter behind it', (cursor) => `${cursor}A`],
    ['padding behind it', (cursor) => `${cursor}=`],
    ['a space before it', (cursor) => ` ${cursor}`],
    ['a space within', (cursor) => rewrite(cursor, (json) => json.replace(',', ', '))],
    ['a line behind its end', (cursor) => rewrite(cursor, (json) => `${json}\n`)],
    ...['-1', '0.5', '"1"', '1e99', '1e0', '-0', 'null'].map((time): [string, (cursor: string) => string] => [
      `the time ${time}`,
      (cursor) => rewrite(cursor, (json) => json.replace(String(at), time)),
    ]),
    ['what is no id', (cursor) => rewrite(cursor, (json) => json.replace(position.id, "' OR 1=1 --"))],
    ['a part more', (cursor) => rewrite(cursor, (json) => json.replace(']', ',0]'))],
    ['a part less', (cursor) => rewrite(cursor, (json) => json.replace(/,"[^"]*"]$/, ']'))],
  ])('is none with %s', (_, change) => {
    const cursor = change(cursorOf({}))
    expect(() => readCursor({ cursor })).toThrow(notACursor)
  })
})
