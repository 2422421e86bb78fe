import { styleText } from 'node:util'

export interface RenderOptions {
  /** Whether to mark levels and names by colour. */
  colour: boolean
}

type Style = Parameters<typeof styleText>[0]

const STYLES: Readonly<Record<string, Style>> = {
  trace: 'gray',
  debug: 'gray',
  info: 'green',
  warn: 'yellow',
  error: 'red',
  fatal: 'red',
}
const LEVEL_WIDTH = 5

/** Levels come as words, or as pino's numbers: 10, 20, … */
const NUMBERED = Object.keys(STYLES)

/** The stack of what is retried anyway would hide the lines around it. */
const WITH_STACK = new Set(['error', 'fatal'])

/** Where an error is logged: what a process met, and what a job failed by. */
const ERROR_FIELDS = ['err', 'failure']

/** What says nothing on a screen where all lines come from one machine. Traces are for tools. */
const HIDDEN = new Set([
  'level',
  'time',
  'msg',
  'pid',
  'host',
  'hostname',
  'name',
  'app',
  'traceId',
  'spanId',
  ...ERROR_FIELDS,
])

/** What a reader looks for first. The other fields follow in the order they come. */
const FIRST = ['jobType', 'jobId', 'attempt', 'queue', 'url']

const LONGEST_VALUE = 300
const NAME_WIDTH = 6

/**
 * One line of an app as a line for people: `12:34:56.789 worker info  job succeeded jobType=demo.echo attempt=1`. The
 * stack of an error follows, indented. What is no JSON object is shown as it is, without its control characters.
 */
export function renderLine(app: string, text: string, { colour }: RenderOptions): string {
  const paint = (style: Style, words: string): string =>
    colour ? styleText(style, words, { validateStream: false }) : words
  const name = paint('cyan', app.padEnd(NAME_WIDTH))
  const line = parseObject(text)
  if (line === undefined) return `${' '.repeat('00:00:00.000'.length)} ${name} ${visible(text)}`

  const level = typeof line.level === 'number' ? (NUMBERED[line.level / 10 - 1] ?? '') : String(line.level ?? '')
  const error = toError(ERROR_FIELDS.map((field) => line[field]).find((value) => value !== undefined))
  const message = visible([line.msg, error?.message].filter((part) => part !== undefined && part !== '').join(': '))
  const fields = fieldsOf(line).map(([key, value]) => `${paint('gray', `${visible(key)}=`)}${renderValue(value)}`)
  const word = paint(STYLES[level] ?? 'reset', visible(level).padEnd(LEVEL_WIDTH))
  const first = [paint('gray', clock(line.time)), name, word, message, ...fields].join(' ')
  if (error?.stack === undefined || !WITH_STACK.has(level)) return first
  const stack = error.stack.split('\n').map((row) => paint('gray', `    ${visible(row.trim())}`))
  return [first, ...stack].join('\n')
}

function parseObject(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith('{')) return undefined
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function fieldsOf(line: Record<string, unknown>): [string, unknown][] {
  const keys = [...FIRST.filter((key) => key in line), ...Object.keys(line).filter((key) => !FIRST.includes(key))]
  return keys.filter((key) => !HIDDEN.has(key)).map((key) => [key, line[key]])
}

/** A serialised error, or whatever else was logged in its place. */
function toError(err: unknown): { message: string; stack?: string } | undefined {
  if (err === undefined || err === null) return undefined
  if (typeof err !== 'object') return { message: String(err) }
  const { message, stack } = err as { message?: unknown; stack?: unknown }
  return {
    message: typeof message === 'string' ? message : JSON.stringify(err),
    ...(typeof stack === 'string' && { stack }),
  }
}

function renderValue(value: unknown): string {
  const text = typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)
  return visible(text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text)
}

function clock(time: unknown): string {
  const date = new Date(typeof time === 'number' || typeof time === 'string' ? time : Number.NaN)
  if (Number.isNaN(date.getTime())) return '--:--:--.---'
  const two = (n: number): string => String(n).padStart(2, '0')
  const seconds = `${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`
  return `${two(date.getHours())}:${two(date.getMinutes())}:${seconds}`
}

/** Escapes control characters: what a job logs must not steer the terminal, nor look like a line of ours. */
function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (char) => {
    return char === '\t' ? '  ' : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}
