import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'

const ARGS = ['keys', 'create', '--first', '--name', 'the first key', '--scopes', 'admin', '--all-tenants', '--json']

/**
 * Makes the first admin key if there is no key at all, by the command of `npm run foliot`.
 *
 * @returns what to tell of it: undefined if there were keys, or the start was given up.
 */
export async function makeFirstKey(
  entry: string,
  env: NodeJS.ProcessEnv,
  ending: AbortSignal,
): Promise<string | undefined> {
  const child = spawn(process.execPath, ['--conditions=source', entry, ...ARGS], {
    env,
    signal: ending,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  // Told by what it wrote, or did not write.
  child.on('error', () => undefined)
  const [answer, complaint] = await Promise.all([text(child.stdout), text(child.stderr)])
  if (ending.aborted) return undefined
  const { key } = parse(answer)
  if (key !== undefined) return toldOf(key)
  return complaint.startsWith('There are keys') ? undefined : `No first key could be made:\n${complaint.trim()}`
}

const toldOf = (key: string): string =>
  [
    'An admin key for everything, the first one. It is shown this once and stored nowhere:',
    '',
    `  ${key}`,
    '',
    'Requests without a key work all the same, until there is one more key and Foliot is started again.',
    '`npm run foliot -- keys create --help` says how to make one.',
    '',
  ].join('\n')

function parse(answer: string): { key?: string } {
  try {
    return JSON.parse(answer) as { key?: string }
  } catch {
    return {}
  }
}
