import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { ClosedOutputError } from './command.ts'
import { printTo } from './print.ts'

it('ends each text with a line, and waits while the stream is full', async () => {
  const stream = new PassThrough({ highWaterMark: 10 })
  const out = printTo(stream)
  await out('short')
  let isTaken = false
  const printing = (async () => {
    for (const part of ['longer than ten', 'again so', 'and again']) await out(part)
    isTaken = true
  })()
  await setImmediate()
  expect(isTaken).toBe(false)
  const read = text(stream)
  await printing
  stream.end()
  expect(await read).toBe('short\nlonger than ten\nagain so\nand again\n')
})

it('tells that nobody reads any more, each time, and what else is the matter', async () => {
  const closed = new PassThrough()
  const out = printTo(closed)
  closed.destroy()
  for (let i = 0; i < 2; i++) await expect(out('a')).rejects.toBeInstanceOf(ClosedOutputError)
  const full = Object.assign(new Error('no space is left'), { code: 'ENOSPC' })
  const broken = new PassThrough({ transform: (_chunk, _encoding, done) => done(full) })
  await expect(printTo(broken)('a')).rejects.toBe(full)
})
