import { once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import type { Lock } from './lock-scripts.ts'
import { LockReader, LockTable, monotonicMs } from './lock-table.ts'

const lockOf = (id: string): Lock => ({ queue: 'mail', id, token: 'a-worker:7', attempt: 3, stalls: '1' })

/** A table and somebody who reads it, as a thread would. */
function sharedTable() {
  const reader = new LockReader()
  const table = new LockTable<string>((block) => reader.add(block))
  const read = () => reader.read().map(({ id }) => id)
  return { reader, table, read }
}

describe('a lock in the table', () => {
  it.each(
    Object.entries({
      short: 'b3a1',
      empty: '',
      'with line breaks': 'two\nlines\n',
      'not of ASCII': 'ü\u{1F600}',
      'too long for a row': 'x'.repeat(240),
      'far too long for a row': '\u{1F600}'.repeat(5000),
    }),
  )('is read as it was written: an id that is %s', (_, id) => {
    const { reader, table } = sharedTable()
    table.hold('its holder', lockOf(id))
    expect(reader.read()).toEqual([
      {
        ...lockOf(id),
        row: 0,
        state: expect.any(Number),
        killAt: Number.POSITIVE_INFINITY,
        graceMs: Number.POSITIVE_INFINITY,
      },
    ])
  })

  it('leads back to its holder, until it is released', () => {
    const { reader, table } = sharedTable()
    const first = table.hold('first', lockOf('a'))
    const second = table.hold('second', lockOf('b'))
    const [a, b] = reader.read()
    const holderOf = (lock = a) => lock && table.holder(lock.row, lock.state)
    expect([holderOf(a), holderOf(b)]).toEqual(['first', 'second'])
    table.release(first)
    expect([holderOf(a), holderOf(b)]).toEqual([undefined, 'second'])
    expect(reader.read()).toEqual([b])
    const third = table.hold('third', lockOf('c'))
    expect(third).toBe(first)
    expect(holderOf(a)).toBeUndefined()
    table.release(second)
    expect(reader.read()).toMatchObject([{ id: 'c', row: a?.row }])
    expect(table.holder(99_999, 2)).toBeUndefined()
  })

  it('keeps the time after which its process may be killed, and no later lock inherits it', () => {
    const { reader, table } = sharedTable()
    const row = table.hold('its holder', lockOf('a'))
    const before = monotonicMs()
    row.limit(60_000, 5000)
    const [limited] = reader.read()
    expect(limited?.killAt).toBeGreaterThanOrEqual(before + 60_000)
    expect(limited?.killAt).toBeLessThan(monotonicMs() + 60_200)
    expect(limited?.graceMs).toBe(5000)
    row.limit(1, Number.POSITIVE_INFINITY)
    expect(reader.read()[0]?.killAt).toBeLessThan(before + 60_000)
    expect(reader.read()[0]?.graceMs).toBeGreaterThan(24 * 60 * 60 * 1000)
    table.release(row)
    table.hold('the next one', lockOf('a'))
    expect(reader.read()).toMatchObject([{ killAt: Number.POSITIVE_INFINITY, graceMs: Number.POSITIVE_INFINITY }])
  })
})

describe('a table that is full', () => {
  it('grows, and a reader sees the new rows as well', () => {
    const { reader, table, read } = sharedTable()
    const ids = Array.from({ length: 1000 }, (_, n) => `job-${n}`)
    const rows = ids.map((id) => table.hold(id, lockOf(id)))
    expect(read().sort()).toEqual([...ids].sort())
    expect(reader.read().map(({ row, state }) => table.holder(row, state))).toEqual(read())
    expect(new LockReader(table.blocks).read()).toEqual(reader.read())
    const blocks = table.blocks.length
    expect(blocks).toBeGreaterThan(1)
    for (const row of rows) table.release(row)
    expect(read()).toEqual([])
    for (const id of ids) table.hold(id, lockOf(id))
    expect(table.blocks).toHaveLength(blocks)
  })

  it('keeps the rows that it made for long ids, for those that fit into them', () => {
    const { table, read } = sharedTable()
    table.hold('short', lockOf('short'))
    const wide = table.hold('wide', lockOf('x'.repeat(1000)))
    table.release(wide)
    expect(table.hold('narrower', lockOf('y'.repeat(500)))).toBe(wide)
    const blocks = table.blocks.length
    table.hold('wider', lockOf('z'.repeat(5000)))
    expect(table.blocks).toHaveLength(blocks + 1)
    expect(read().map(({ length }) => length)).toEqual([5, 500, 5000])
  })
})

describe('a table that changes while another thread reads it', () => {
  it('shows no lock of which one part belongs to another', async () => {
    const { table } = sharedTable()
    // Long, so that reading takes long, in a row of its own, so that nothing else is read. All are of about one length.
    const lock = (n: number): Lock => {
      const number = 10_000 + (n % 90_000)
      return { ...lockOf(`${number} `.repeat(300 + (n % 20))), attempt: number, stalls: String(number) }
    }
    table.release(table.hold('first', lock(19)))
    const thread = new Worker(new URL('../fixtures/table-reading-thread.ts', import.meta.url), {
      workerData: { blocks: table.blocks, locks: 5000 },
    })
    const answer = once(thread, 'message')
    let isDone = false
    void answer.then(() => {
      isDone = true
    })
    for (let n = 0; !isDone; n++) {
      const row = table.hold('somebody', lock(n))
      if (n % 500 === 0) await nextTurn()
      table.release(row)
    }
    expect(await answer).toEqual([{ seen: expect.any(Number), torn: [] }])
  })
})
