import {
  CLOSE_LIST,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  endOfString,
  OPEN_LIST,
  OPEN_OBJECT,
  QUOTE,
  stringAt,
} from './json-walk.ts'

/**
 * The path to the first field whose name its object has had before; undefined if there is none. `JSON.parse` keeps the last
 * of such fields and says nothing.
 *
 * @param json in UTF-8
 * @param value what `JSON.parse` has made of it
 */
export function findNameTwice(json: Buffer, value: unknown): PropertyKey[] | undefined {
  // Each name that is there twice is once less in the value. To count is quick.
  return namesWritten(json) === namesKept(value) ? undefined : pathToNameTwice(json)
}

function namesWritten(json: Buffer): number {
  let names = 0
  for (let at = 0; at < json.length; ) {
    const byte = json[at]
    if (byte === QUOTE) at = endOfString(json, at)
    else {
      if (byte === COLON) names++
      at++
    }
  }
  return names
}

function namesKept(value: unknown): number {
  let names = 0
  // No recursion: a body may nest deeper than the stack reaches.
  const found: object[] = []
  const look = (part: unknown): void => {
    if (typeof part === 'object' && part !== null) found.push(part)
  }
  look(value)
  for (let next = found.pop(); next !== undefined; next = found.pop()) {
    if (Array.isArray(next)) next.forEach(look)
    else {
      const keys = Object.keys(next)
      names += keys.length
      for (const key of keys) look((next as Record<string, unknown>)[key])
    }
  }
  return names
}

/** An object or a list that has begun, and where in it we are. */
type Begun = { names: Set<string>; part: string } | { names: undefined; part: number }

function pathToNameTwice(json: Buffer): PropertyKey[] | undefined {
  const around: Begun[] = []
  let here: Begun | undefined
  /** The last string, quotes included: before a colon it is a name. */
  let from = 0
  let to = 0
  for (let at = 0; at < json.length; at++) {
    switch (json[at]) {
      case QUOTE:
        from = at
        to = endOfString(json, at)
        at = to - 1
        break
      case COLON:
        if (here?.names === undefined) break
        here.part = stringAt(json, from, to)
        if (here.names.has(here.part)) return [...around, here].map(({ part }) => part)
        here.names.add(here.part)
        break
      case COMMA:
        if (here && here.names === undefined) here.part++
        break
      case OPEN_OBJECT:
        if (here) around.push(here)
        here = { names: new Set(), part: '' }
        break
      case OPEN_LIST:
        if (here) around.push(here)
        here = { names: undefined, part: 0 }
        break
      case CLOSE_OBJECT:
      case CLOSE_LIST:
        here = around.pop()
        break
    }
  }
  return undefined
}
