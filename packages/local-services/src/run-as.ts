import { type ChildProcess, spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { searchPath } from './env.ts'
import type { User } from './unprivileged-user.ts'

export interface RunAsOptions {
  /** Undefined: as this process. */
  user: User | undefined
  cwd: string
  /** Its standard input. Default: none. */
  input?: string
}

/** What a program of PostgreSQL gets of our environment: none of our PG* variables, languages and time zones. */
export const plainEnvironment = (): NodeJS.ProcessEnv => ({ PATH: searchPath(), LC_ALL: 'C', TZ: 'UTC' })

/**
 * Runs a program to its end.
 *
 * @throws Error with all it wrote if its exit code is not 0, or it could not be started.
 */
export async function runAs(program: string, args: readonly string[], options: RunAsOptions): Promise<void> {
  const { user, cwd, input = '' } = options
  let outcome: { how: string | number | null; output: string }
  try {
    // A group of its own: Ctrl-C is for us, and what is half made has to be made.
    const child = spawn(program, args, { ...user, cwd, env: plainEnvironment(), detached: true, stdio: 'pipe' })
    // A write to it can only fail by its death, which its exit tells.
    child.stdin.on('error', () => undefined).end(input)
    const [how, ...written] = await Promise.all([endOf(child), text(child.stdout), text(child.stderr)])
    outcome = { how, output: written.join('').trim() }
  } catch (cause) {
    const who = user === undefined ? '' : ` as the user with the id ${user.uid}`
    throw new Error(`${program} could not be started${who}: ${(cause as Error).message}`, { cause })
  }
  if (outcome.how !== 0) {
    throw new Error(`expected ${program} to end with code 0, got ${outcome.how}: ${outcome.output}`)
  }
}

function endOf(child: ChildProcess): Promise<string | number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(signal ?? code))
  })
}
