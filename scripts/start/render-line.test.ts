import { describe, expect, it } from 'vitest'
import { renderLine } from './render-line.ts'

const time = new Date(2031, 0, 2, 3, 4, 5, 67).getTime()
const render = (line: unknown) =>
  renderLine('api', typeof line === 'string' ? line : JSON.stringify(line), { colour: false })

describe('renderLine', () => {
  it('shows the time, the app, the level, the message, then what identifies the job, then the rest', () => {
    const line = {
      level: 30,
      time,
      pid: 1,
      hostname: 'h',
      traceId: 't',
      ms: 3,
      attempt: 1,
      jobType: 'demo.echo',
      msg: 'done',
    }
    expect(render(line)).toBe('03:04:05.067 api    info  done jobType=demo.echo attempt=1 ms=3')
  })

  it('knows levels as numbers and as words', () => {
    const levels = [10, 'debug', 30, 'warn', 50, 'fatal', 35, 'odd', undefined]
    const words = levels.map((level) => render({ level, time, msg: 'm' }).slice('03:04:05.067 api    '.length))
    expect(words).toEqual(
      ['trace', 'debug', 'info ', 'warn ', 'error', 'fatal', '     ', 'odd  ', '     '].map((word) => `${word} m`),
    )
  })

  it('reads a time in RFC 3339 as well, and goes on without one', () => {
    expect(render({ level: 30, time: new Date(time).toISOString(), msg: 'a' })).toBe('03:04:05.067 api    info  a')
    expect(render({ level: 40, msg: 'a' })).toBe('--:--:--.--- api    warn  a')
  })

  it('quotes what would not be read back as one value, and cuts what is long', () => {
    const line = render({
      level: 30,
      time,
      msg: 'm',
      a: 'x y',
      b: 'p=q',
      c: { d: [1, null] },
      e: '',
      f: 'z'.repeat(999),
    })
    expect(line).toContain(` a="x y" b="p=q" c={"d":[1,null]} e="" f=${'z'.repeat(300)}…`)
    expect(line).not.toContain('z'.repeat(301))
  })

  it('puts an error into the message, and its stack below if it is logged as one', () => {
    const err = { type: 'Error', message: 'no room', stack: 'Error: no room\n    at here (x.ts:1:2)' }
    expect(render({ level: 50, time, msg: 'failed', err })).toBe(
      '03:04:05.067 api    error failed: no room\n    Error: no room\n    at here (x.ts:1:2)',
    )
    expect(render({ level: 'warn', time, msg: 'failed', failure: err })).toBe(
      '03:04:05.067 api    warn  failed: no room',
    )
    expect(render({ level: 50, time, err: 'odd' })).toBe('03:04:05.067 api    error odd')
  })

  it.each(['plain words', '{"half":', '[1]', '"text"'])('shows %j as it is', (text) => {
    expect(render(text)).toBe(`             api    ${text}`)
  })

  it('lets no control character through, wherever it stands', () => {
    const evil = '\u001b[2J\u009b\r\n'
    for (const line of [evil, { level: 30, msg: evil, [evil]: evil, err: { message: evil, stack: evil } }]) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
      expect(render(line)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
    }
    expect(render(evil)).toContain('\\x1b[2J\\x9b')
  })

  it('colours only if asked to', () => {
    const line = JSON.stringify({ level: 50, time, msg: 'm' })
    expect(renderLine('api', line, { colour: true })).toContain('\u001b[31merror')
    expect(renderLine('api', line, { colour: false })).not.toContain('\u001b')
  })
})
