import { z } from 'zod'
import { SETTING_NAMES } from './names.ts'
import { nearestName } from './nearest-name.ts'
import { masks } from './setting.ts'
import { SettingsError } from './settings-error.ts'

/** A Zod schema for each variable, keyed by the variable's name. Packages export theirs; an app spreads them into one. */
export type EnvPieces = Readonly<Record<string, z.core.$ZodType>>

/** What `readEnv` gives: the parsed values under the names of their variables, frozen. */
export type Env<Pieces extends EnvPieces> = { readonly [Name in keyof Pieces]: z.output<Pieces[Name]> }

const KNOWN: ReadonlySet<string> = new Set(SETTING_NAMES)

/**
 * Reads the variables that the pieces name. An empty variable counts as unset.
 *
 * @param env the environment, usually `process.env`. A `FOLIOT_*` name in it that the platform does not know is a problem.
 * @throws SettingsError once, with a line for every problem. Secrets are not printed.
 * @throws TypeError if a piece has a `FOLIOT_*` name that is missing from `names.ts`.
 * @example readEnv({ ...redisEnv, FOLIOT_API_PORT: port().default(3000) }, process.env).FOLIOT_API_PORT
 */
export function readEnv<const Pieces extends EnvPieces>(
  pieces: Pieces,
  env: Readonly<Record<string, string | undefined>>,
): Env<Pieces> {
  const problems: string[] = []
  const values: Record<string, unknown> = {}
  for (const [name, schema] of Object.entries(pieces)) {
    if (isOurs(name) && !KNOWN.has(name)) {
      throw new TypeError(
        `expected the name of a setting from packages/settings/src/names.ts, got "${name}"; add it there`,
      )
    }
    const given = env[name] || undefined
    const result = z.safeParse(schema, given)
    if (result.success) values[name] = result.data
    else problems.push(...result.error.issues.map((issue) => describeProblem(name, schema, given, issue.message)))
  }
  for (const name of Object.keys(env)) if (isOurs(name) && !KNOWN.has(name)) problems.push(describeUnknown(name))
  if (problems.length > 0) throw new SettingsError(problems)
  return Object.freeze(values) as Env<Pieces>
}

const isOurs = (name: string): boolean => name.startsWith('FOLIOT_')

function describeProblem(name: string, schema: z.core.$ZodType, given: string | undefined, expected: string): string {
  if (given === undefined) return `${name}: ${expected}, got nothing; set it`
  const shown = findMask(schema)?.(given) ?? show(given)
  const unset = z.safeParse(schema, undefined)
  const wayOut = unset.success ? `correct it, or unset it${describeDefault(unset.data)}` : 'correct it'
  return `${name}: ${expected}, got ${shown}; ${wayOut}`
}

const show = (given: string): string =>
  given.length <= SHOWN_LENGTH ? JSON.stringify(given) : `${JSON.stringify(given.slice(0, SHOWN_LENGTH))}…`

const SHOWN_LENGTH = 80

const describeDefault = (value: unknown): string =>
  value === undefined ? '' : ` for the default ${JSON.stringify(value)}`

function describeUnknown(name: string): string {
  const meant = findMeant(name).join(' or ')
  const wayOut = meant ? `did you mean ${meant}?` : `unset it, or use one of ${SETTING_NAMES.join(', ')}`
  return `${name}: there is no such setting; ${wayOut}`
}

/** The names that have all its words (`FOLIOT_PORT`), or else the one that is spelt alike (`FOLIOT_API_PROT`). */
function findMeant(name: string): readonly string[] {
  const words = name.split('_')
  const wider = SETTING_NAMES.filter((known) => words.every((word) => known.split('_').includes(word)))
  if (wider.length > 0 && wider.length <= 4) return wider
  return [nearestName(name, SETTING_NAMES) ?? []].flat()
}

/** The mask of a schema, or of what it wraps: `secret().optional()` is as secret as `secret()`. */
function findMask(schema: z.core.$ZodType): ((text: string) => string) | undefined {
  const own = masks.get(schema)
  if (own) return own.mask
  const { innerType, in: input } = schema._zod.def as { innerType?: z.core.$ZodType; in?: z.core.$ZodType }
  const inner = innerType ?? input
  return inner && findMask(inner)
}
