import { inspect } from 'node:util'
import { LIMITS, truncate } from '@foliot/jobs'
import { readProperty, readText } from './read-property.ts'

/** How many causes of an error, and how many errors of an AggregateError, are told of. */
const RELATED_MAX = 5

/** How many causes a message tells of, each in `LONG_MESSAGE` bytes at most. The stack has the others. */
const TOLD_CAUSES = 3

/** A message that takes up more of its stack is cut there, in bytes. */
const LONG_MESSAGE = LIMITS.errorStackBytes / 8

/** The name of what was thrown without being an error. */
const NO_ERROR = 'NonError'

/** The name of anything thrown. */
export function nameOf(thrown: unknown): string {
  if (typeof readProperty(thrown, 'message') !== 'string') return NO_ERROR
  return readText(thrown, 'name') ?? 'Error'
}

/**
 * The message of anything thrown, uncut, followed by those of the errors that an AggregateError holds, and of its causes:
 * `fetch failed` alone tells nobody what failed.
 */
export function messageOf(thrown: unknown): string {
  const told = fullMessageOf(thrown)
  const causes = causesOf(thrown).slice(0, TOLD_CAUSES).map(tellCause)
  // Many errors repeat in their own message what caused them.
  const fresh = causes.filter((text, i) => ![told, ...causes.slice(0, i)].some((before) => before.includes(text)))
  return joinTold([told, ...fresh], ': ')
}

const fullMessageOf = (thrown: unknown): string =>
  joinTold([ownMessageOf(thrown), joinTold(errorsOf(thrown).map(ownMessageOf), '; ')], ': ')

/** One whose message is empty tells its code, as `ownMessageOf` does. */
const tellCause = (cause: unknown): string => truncate(fullMessageOf(cause), LONG_MESSAGE)

const joinTold = (parts: readonly string[], by: string): string => parts.filter((part) => part !== '').join(by)

/** The stack of an error and those of its causes, uncut. Undefined if what was thrown has no stack. */
export function stackOf(thrown: unknown): string | undefined {
  const own = ownStackOf(thrown)
  if (own === undefined) return undefined
  const causes = causesOf(thrown).map((cause) => ownStackOf(cause) ?? ownMessageOf(cause))
  return [own, ...causes].join('\ncaused by: ')
}

function ownMessageOf(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown
  const message = readProperty(thrown, 'message')
  if (typeof message !== 'string') return `${show(thrown)} was thrown`
  // A refused connection is an AggregateError with a code and no message.
  return message || (readText(thrown, 'code') ?? '')
}

function ownStackOf(error: unknown): string | undefined {
  const stack = readText(error, 'stack')
  const message = readText(error, 'message') ?? ''
  // The stack repeats the message. A long one would leave no room for the lines that only the stack has.
  return message.length > LONG_MESSAGE ? stack?.replace(message, () => truncate(message, LONG_MESSAGE)) : stack
}

/** What an error was caused by, and that by what, up to the first that comes twice. */
function causesOf(error: unknown): unknown[] {
  const chain = [error]
  while (chain.length <= RELATED_MAX) {
    const cause = readProperty(chain.at(-1), 'cause')
    if (cause === undefined || cause === null || chain.includes(cause)) break
    chain.push(cause)
  }
  return chain.slice(1)
}

/** The first errors of an AggregateError. */
function errorsOf(thrown: unknown): unknown[] {
  const errors = readProperty(thrown, 'errors')
  const first = Array.from({ length: RELATED_MAX }, (_, i) => readProperty(errors, String(i)))
  return first.filter((error) => error !== undefined)
}

/** A value as a line of text, whatever it is. */
function show(value: unknown): string {
  try {
    return inspect(value, { ...SHOWN, breakLength: Number.POSITIVE_INFINITY })
  } catch {
    // Only a value made to resist gets here; that it was thrown is all there is to say.
    return 'something that cannot be shown'
  }
}

/** What a handler throws may be a whole document; a message needs its beginning. */
const SHOWN = { depth: 2, maxArrayLength: 20, maxStringLength: 1000, customInspect: false, getters: false } as const
