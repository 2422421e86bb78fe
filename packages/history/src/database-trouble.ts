import { isReadTimeout, PasswordFileError } from './database.ts'

/** What can be wrong with PostgreSQL without a mistake of ours. */
export type DatabaseTrouble = 'away' | 'silent' | 'busy' | 'read_only' | 'full' | 'refused' | 'broken'

/** Each for people to read. */
export const DATABASE_TROUBLES = {
  away: 'PostgreSQL cannot be reached, or is starting or stopping',
  silent: 'PostgreSQL does not answer in time',
  busy: 'PostgreSQL is held up by other work',
  read_only: 'PostgreSQL may only be read',
  full: 'PostgreSQL is out of disk, memory or connections',
  refused: 'PostgreSQL refuses the user, the password or the database of FOLIOT_DATABASE_URL',
  broken: 'PostgreSQL reports that its own files are damaged or cannot be read',
} as const satisfies Record<DatabaseTrouble, string>

/** By SQLSTATE, or the beginning of one; the first that fits. */
const STATES: readonly [string, DatabaseTrouble][] = [
  ['08', 'away'],
  // Statements that ran too long, or that an operator ended.
  ['57014', 'silent'],
  ['57P', 'away'],
  // A primary that has become a standby under a statement.
  ['25006', 'read_only'],
  // Ended because a transaction stood still: our process froze, and what it did is undone.
  ['25P03', 'silent'],
  ['40001', 'busy'],
  ['40P01', 'busy'],
  ['55P03', 'busy'],
  ['53', 'full'],
  ['28', 'refused'],
  ['3D000', 'refused'],
  ['58', 'broken'],
  ['XX001', 'broken'],
  ['XX002', 'broken'],
]

const AWAY = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])

// Errors of the driver that have no code.
const WORDS: readonly [RegExp, DatabaseTrouble][] = [
  [/timeout exceeded when trying to connect|Connection terminated due to connection timeout|timeout expired/, 'silent'],
  [
    /Connection terminated|Client was closed|Client has encountered a connection error|connection has been discarded/,
    'away',
  ],
]

/** What is the matter with PostgreSQL. Undefined if the error tells of a mistake of ours, or has nothing to do with it. */
export function databaseTroubleOf(error: unknown): DatabaseTrouble | undefined {
  // A reason may go round in circles.
  const seen = new Set<unknown>()
  for (let at: unknown = error; at instanceof Error && !seen.has(at); at = at.cause) {
    seen.add(at)
    const trouble = troubleOf(at)
    if (trouble) return trouble
  }
  return undefined
}

export const isDatabaseTrouble = (error: unknown): boolean => databaseTroubleOf(error) !== undefined

function troubleOf(error: Error): DatabaseTrouble | undefined {
  if (isReadTimeout(error)) return 'silent'
  if (error instanceof PasswordFileError) return 'refused'
  const { code, syscall } = error as { code?: unknown; syscall?: unknown }
  if (typeof code === 'string') {
    if (code === 'ETIMEDOUT') return 'silent'
    // The socket's file is not there.
    if (AWAY.has(code) || (code === 'ENOENT' && syscall === 'connect')) return 'away'
    return STATES.find(([state]) => code.startsWith(state))?.[1]
  }
  return WORDS.find(([words]) => words.test(error.message))?.[1]
}
