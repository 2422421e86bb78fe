import { execFile } from 'node:child_process'
import { access, constants, stat } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { searchPath } from './env.ts'
import { canInstallRedis, installRedis } from './install-redis.ts'

const PROGRAMS = ['redis-server', 'valkey-server']

/** infra/redis/redis.conf uses directives that came with Redis 7. */
const OLDEST_MAJOR = 7

const INSTALL_LINES = `  Debian, Ubuntu   sudo apt-get install redis-server
  Fedora           sudo dnf install valkey
  Alpine           apk add valkey
  macOS            brew install redis
  Windows          inside WSL (wsl --install), as on Ubuntu
Or set FOLIOT_REDIS_URL to a Redis that runs elsewhere: enough for npm start, while the tests run servers of their own.`

export interface FindRedisOptions {
  /** Folders to search, joined as in PATH, which is the default. */
  path?: string
  /** Whether a missing server is installed from the distribution. Default: as root where there is apt-get. */
  install?: boolean
  /** Is told before something slow or lasting happens. Default: a line on standard error. */
  say?: (line: string) => void
}

/**
 * The path of a Redis or Valkey server of version 7 or newer: the first on PATH, else a freshly installed one.
 *
 * @throws Error with the install line of each system if there is none and none can be installed.
 */
export async function findRedisServer(options: FindRedisOptions = {}): Promise<string> {
  const { path = searchPath(), install = canInstallRedis(), say = console.error } = options
  const before = await search(path)
  if (before.usable !== undefined) return before.usable
  if (!install) throw notFound(before.tooOld)

  say('No Redis here: installing redis-server from the distribution …')
  await installRedis()
  const after = await search(path)
  if (after.usable !== undefined) return after.usable
  throw notFound(after.tooOld)
}

async function search(path: string): Promise<{ usable?: string; tooOld: string[] }> {
  const tooOld: string[] = []
  for (const program of PROGRAMS) {
    for (const folder of path.split(delimiter).filter((entry) => entry !== '')) {
      const file = join(folder, program)
      if (!(await isProgram(file))) continue
      const version = await versionOf(file)
      if (Number.parseInt(version, 10) >= OLDEST_MAJOR) return { usable: file, tooOld }
      tooOld.push(`${file} is version ${version}`)
    }
  }
  return { tooOld }
}

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK)
    return (await stat(file)).isFile()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') return false
    throw error
  }
}

/** `7.0.15` out of `Redis server v=7.0.15 sha=…`. */
async function versionOf(server: string): Promise<string> {
  const { stdout } = await promisify(execFile)(server, ['--version'])
  const version = /\bv=(\d+(?:\.\d+)*)/.exec(stdout)?.[1]
  if (version === undefined) throw new Error(`expected \`${server} --version\` to tell a version, got ${stdout.trim()}`)
  return version
}

function notFound(tooOld: readonly string[]): Error {
  const found = tooOld.length === 0 ? 'none on PATH' : `only ${tooOld.join(' and ')}`
  return new Error(
    `Foliot needs a Redis or Valkey server of version ${OLDEST_MAJOR} or newer, and found ${found}.\n` +
      `Install one, then run the same command again:\n${INSTALL_LINES}`,
  )
}
