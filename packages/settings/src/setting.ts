import { z } from 'zod'

/**
 * A schema of one variable: text in, a `T` out. A Zod schema, under a name of ours, so that a package can export its
 * settings without knowing Zod.
 */
export interface Setting<T> extends Omit<z.ZodType<T, string | undefined>, 'default' | 'optional'> {
  /** What the variable stands for while it is unset. */
  default(value: Exclude<T, undefined>): Setting<Exclude<T, undefined>>
  /** Undefined while it is unset. */
  optional(): Setting<T | undefined>
}

/** How a variable's value may be shown in a message, for those that must not be shown as they are. */
export const masks = z.registry<{ mask: (text: string) => string }>()

/** The longest delay that a timer of Node takes; a longer one would fire at once. */
const TIMER_MAX_MS = 2 ** 31 - 1

/** A port to listen on; 0 means any that is free. */
export const port = (): Setting<number> => within('a port', 0, 65_535)

/** A number of milliseconds that a timer can wait. `min` is 0 unless given. */
export const durationMs = ({ min = 0, max = TIMER_MAX_MS }: { min?: number; max?: number } = {}): Setting<number> =>
  within('a number of milliseconds', min, max)

/** A whole number within both bounds. */
export const integer = ({ min, max }: { min: number; max: number }): Setting<number> => within('an integer', min, max)

/** Yes or no: `true`, `1`, `false` or `0`. */
export const flag = (): Setting<boolean> => setting('true, false, 1 or 0', (text) => FLAGS.get(text.toLowerCase()))

const FLAGS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
])

/** One of a few words. */
export const oneOf = <const Word extends string>(words: readonly Word[]): Setting<Word> =>
  setting(`one of ${words.join(', ')}`, (text) => words.find((word) => word === text))

/** Words between commas. Space around a word and empty words are dropped. */
export const list = (): Setting<readonly string[]> =>
  setting('words separated by commas', (text) =>
    Object.freeze(
      text
        .split(',')
        .map((word) => word.trim())
        .filter((word) => word !== ''),
    ),
  )

/** Any text that is not empty, as it stands. */
export const text = (): Setting<string> => z.string({ error: 'expected text' })

/** Text that no message shows. */
export const secret = (): Setting<string> =>
  z.string({ error: 'expected a secret' }).register(masks, { mask: () => 'a value that is not shown' })

/** An absolute URL with one of the protocols, given as `redis:`. A message shows it without its user and password. */
export function url({ protocols }: { protocols: readonly string[] }): Setting<string> {
  const starts = protocols.map((protocol) => `${protocol}//`).join(' or ')
  const schema = setting(`a URL that starts with ${starts}`, (given) => {
    const parsed = URL.parse(given)
    return parsed && protocols.includes(parsed.protocol) && given.includes('://') ? given : undefined
  })
  // Up to the last @, so that a password with a / in it or a URL without its // is hidden as well.
  return schema.register(masks, { mask: (given) => JSON.stringify(given.replace(/^([a-z]+:\/\/)?.*@/is, '$1***@')) })
}

function within(noun: string, min: number, max: number): Setting<number> {
  return setting(`${noun} from ${min} to ${max}`, (text) => {
    const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN
    return value >= min && value <= max ? value : undefined
  })
}

function setting<T>(expected: string, parse: (text: string) => T | undefined) {
  const message = `expected ${expected}`
  return z.string({ error: message }).transform((text, context): T => {
    const value = parse(text.trim())
    if (value !== undefined) return value
    context.issues.push({ code: 'custom', message, input: text })
    return z.NEVER
  })
}
