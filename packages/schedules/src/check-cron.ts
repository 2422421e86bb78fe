import { FoliotError, type FoliotErrorOptions, truncate } from '@foliot/jobs'
import { DAY_MS } from './civil.ts'
import { type FieldKind, type FieldText, fieldsOf, NICKNAMES } from './cron-names.ts'
import { nearestWord } from './nearest-word.ts'

/**
 * Refuses an expression that is wrong, or that readers understand in two ways, before Croner parses it: Croner's messages
 * tell neither the place nor what was likely meant.
 *
 * @returns the expression, or what its nickname stands for.
 * @throws FoliotError validation_failed
 */
export function checkCron(expression: string): string {
  if (expression.length > 500)
    refuseCron(expression, undefined, `expected at most 500 characters, got ${expression.length}`)
  const trimmed = expression.trim()
  if (trimmed.startsWith('@')) return expand(expression, trimmed)
  const fields = fieldsOf(expression)
  if (!fields) return refuseCount(expression, trimmed)
  for (const field of fields) checkField(expression, field)
  checkQuartz(expression, fields)
  return expression
}

/** Where in an expression: `at` is the first character, counted from 0. */
interface Place {
  readonly at: number
  readonly kind: FieldKind
}

/** @throws FoliotError validation_failed */
export function refuseCron(
  expression: string,
  place: Place | undefined,
  problem: string,
  options: FoliotErrorOptions = {},
): never {
  const where = place ? ` at character ${place.at + 1}, in the field for ${place.kind.name}` : ''
  const message = `\`cron\` "${truncate(expression, 200)}"${where}: ${problem}`
  throw new FoliotError('validation_failed', message, { ...options, errors: [{ path: '/cron', message }] })
}

function expand(expression: string, nickname: string): string {
  const name = nickname.toLowerCase()
  const meant = NICKNAMES[name]
  if (meant) return meant
  const known = Object.keys(NICKNAMES)
  const problem = `expected a nickname of ${known.join(', ')}, got ${nickname}`
  if (name === '@reboot')
    return refuseCron(expression, undefined, problem, {
      hint: 'A schedule knows no start of a machine: use `at` or `everyMs`.',
    })
  const near = nearestWord(name, known)
  return refuseCron(expression, undefined, problem, near ? { hint: `Did you mean ${near}?` } : {})
}

function refuseCount(expression: string, trimmed: string): never {
  const count = trimmed === '' ? 0 : trimmed.split(/\s+/).length
  return refuseCron(expression, undefined, `expected 5, 6 or 7 fields, got ${count}`, {
    hint: 'Five are "minute hour day-of-month month weekday"; a sixth, for seconds, comes first; a seventh, for years, last.',
  })
}

function checkField(expression: string, { kind, text, at }: FieldText): void {
  let from = at
  for (const part of text.split(',')) {
    const plus = kind.name === 'weekday' && from === at && part.startsWith('+')
    const item = plus ? part.slice(1) : part
    checkItem({ expression, kind, at: plus ? from + 1 : from, text: item, field: text })
    from += part.length + 1
  }
}

/** One of the parts between commas: `text`, of the field `field`. */
interface Item extends Place {
  readonly expression: string
  readonly text: string
  readonly field: string
}

function checkItem(item: Item): void {
  const text = item.text.toUpperCase()
  const { kind } = item
  if (text === '') refuse(item, 'expected a value before and after each comma, got nothing')
  if (text === '*') return
  if (text === '?') {
    checkQuestionMark(item)
    return
  }
  if (isSpecial(item, text)) return
  const [range = '', step, more] = text.split('/')
  if (more !== undefined) refuse(item, `expected one "/", got "${item.text}"`)
  const [from, to, tooMany] = range === '*' ? [String(kind.min), String(lastOf(item.kind))] : range.split('-')
  if (tooMany !== undefined) refuse(item, `expected one "-", got "${item.text}"`)
  const first = numberOf(item, from ?? '')
  const last = to === undefined ? undefined : numberOf(item, to, kind.name === 'weekday' && to === 'SUN')
  if (last !== undefined && last < first) refuseBackwards(item, first, last)
  if (step !== undefined) checkStep(item, range, first, last, step)
}

/** The largest number that `*` stands for: 7 is Sunday once more. */
function lastOf({ name, max }: FieldKind): number {
  return name === 'weekday' ? 6 : max
}

function checkQuestionMark(item: Item): void {
  const { name } = item.kind
  if (name === 'day of the month' || name === 'weekday') return
  refuse(item, 'expected "?" only for the day of the month or the weekday', 'Write "*" for every value.')
}

/** `L`, `LW`, `15W`; `FRI#2`, `FRI#L`, `FRIL`. */
function isSpecial(item: Item, text: string): boolean {
  const { name } = item.kind
  if (name === 'day of the month') return isSpecialDate(item, text)
  if (name !== 'weekday') return false
  const nth = /^([^#]+)#(.*)$/.exec(text) ?? /^(\d|[A-Z]{3})(L)$/.exec(text)
  if (!nth) return false
  if (!/^[1-5L]$/.test(nth[2] ?? ''))
    refuse(
      item,
      `expected 1 to 5 or L after "#", got "${nth[2]}"`,
      'FRI#2 is the second Friday of a month, FRI#L the last.',
    )
  numberOf(item, nth[1] ?? '')
  return true
}

function isSpecialDate(item: Item, text: string): boolean {
  if (text === 'L') return true
  if (text === 'LW') {
    if (item.field.toUpperCase() === 'LW') return true
    refuse(item, 'expected LW alone, got it in a list', 'Make a schedule of its own for the last working day.')
  }
  if (/^L-/.test(text))
    refuse(
      item,
      `expected L alone, got "${item.text}"`,
      'Days before the last one have no sign; name the dates, like 25-28.',
    )
  const nearest = /^(\d+)W$/.exec(text)
  if (nearest) numberOf(item, nearest[1] ?? '')
  else if (text.includes('W'))
    refuse(
      item,
      `expected a day before W, got "${item.text}"`,
      '15W is the weekday nearest to the 15th; LW the last of the month.',
    )
  return nearest !== null
}

function numberOf(item: Item, text: string, endsWeek = false): number {
  const { kind } = item
  const word = kind.words.indexOf(text)
  if (word !== -1) return endsWeek ? 7 : word + kind.firstWord
  if (!/^\d+$/.test(text)) refuseWord(item, text)
  const value = Number(text)
  if (value < kind.min || value > kind.max)
    refuse(item, `expected ${kind.min} to ${kind.max}, got ${text}`, meantBy(item, value))
  return value
}

function refuseWord(item: Item, text: string): never {
  const { kind } = item
  const words = kind.words.length > 0 ? ` or ${kind.words[0]} to ${kind.words.at(-1)}` : ''
  const near = /^[A-Z]+$/.test(text)
    ? (kind.words.find((word) => text.startsWith(word)) ?? nearestWord(text, kind.words))
    : undefined
  return refuse(
    item,
    `expected ${kind.min} to ${kind.max}${words}, got "${item.text}"`,
    near ? `Did you mean ${near}?` : undefined,
  )
}

function meantBy(item: Item, value: number): string | undefined {
  const { kind } = item
  if (kind.name === 'weekday' && value >= 1970)
    return 'A year is the seventh field: write seconds in front, like "0 0 12 1 1 * 2030".'
  if (kind.name === 'weekday') return '0 and 7 are Sunday, 6 is Saturday.'
  if (kind.name === 'hours' && value === 24) return 'Midnight is 0, of the day that begins.'
  if (value === 60)
    return `${value} ${kind.name} are 0 of the next ${kind.name === 'seconds' ? 'minute' : 'hour'}: write 0.`
  if (value === 0) return `The first ${kind.name} is 1.`
  if (kind.unitMs === undefined) return undefined
  return `For every ${value} ${kind.name} use \`everyMs\`: ${value * kind.unitMs}.`
}

function refuseBackwards(item: Item, first: number, last: number): never {
  const { kind } = item
  const [from, to] = item.text.split('/')[0]?.split('-') ?? []
  const named = /[A-Z]/i.test(item.text)
  const [lowest, highest] = named ? [kind.words[0], kind.words.at(-1)] : [kind.min, lastOf(item.kind)]
  const upwards = first === lastOf(item.kind) ? from : `${from}-${highest}`
  const downwards = last === kind.min ? to : `${lowest}-${to}`
  return refuse(
    item,
    `expected a range that goes up, got "${item.text}" (${first} to ${last})`,
    `Did you mean ${upwards},${downwards}?`,
  )
}

function checkStep(item: Item, range: string, first: number, last: number | undefined, text: string): void {
  const { kind } = item
  const step = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!(step >= 1)) refuse(item, `expected a step of 1 or more after "/", got "${text}"`)
  if (last === undefined)
    refuse(
      item,
      `expected "*" or a range before "/", got "${item.text}", which some read as ${first} alone`,
      `Write ${first === kind.min ? `*/${step}` : `${first}-${lastOf(item.kind)}/${step}`} to go on to the end.`,
    )
  if (step <= (last ?? first) - first) return
  const once = `it takes no second step within ${range === '*' ? `${kind.min} to ${lastOf(item.kind)}` : range}`
  const period = PERIODS[kind.name]
  const stepMs = step * (kind.unitMs ?? 0)
  const problem = `"${item.text}" is ambiguous: ${once}, so it means ${first} alone`
  if (!period || step === 1 || stepMs === period.ms) refuse(item, problem, `Write ${first}.`)
  refuse(
    item,
    `${problem}: that is every ${period.text}, not every ${step} ${kind.name}`,
    `Did you mean \`everyMs\`: ${stepMs}?`,
  )
}

function refuse(item: Item, problem: string, hint?: string): never {
  return refuseCron(item.expression, item, problem, hint === undefined ? {} : { hint })
}

/** After how long each field of a clock begins anew. */
const PERIODS: Readonly<Record<string, { text: string; ms: number }>> = {
  seconds: { text: '60 s', ms: 60_000 },
  minutes: { text: 'hour', ms: 3_600_000 },
  hours: { text: 'day', ms: DAY_MS },
}

/** In Quartz, where "?" comes from, 1 is Sunday; in cron it is Monday. Whoever writes both may mean either. */
function checkQuartz(expression: string, fields: readonly FieldText[]): void {
  const weekday = fields.find(({ kind }) => kind.name === 'weekday')
  if (!weekday || !fields.some(({ text }) => text === '?')) return
  const days = weekday.text.replace(/#\w+|\/\d+/g, '')
  if (!/\d/.test(days)) return
  const named = (firstDay: number) =>
    days.replace(/\d/g, (digit) => weekday.kind.words[(Number(digit) - firstDay + 7) % 7] ?? digit)
  refuseCron(
    expression,
    weekday,
    `"${weekday.text}" is ambiguous beside "?": ${named(0)} in cron, ${named(1)} in Quartz, where 1 is Sunday`,
    { hint: 'Name the weekdays, like MON-FRI.' },
  )
}
