import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { environment } from './env.ts'

const run = promisify(execFile)

/** Whether this process may install a package: root, on a system with apt-get. */
export function canInstallRedis(): boolean {
  return process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
}

/**
 * Installs redis-server by apt-get, without the daemon that the package starts for the whole system: Foliot runs a
 * private one.
 *
 * @throws Error with the output of apt-get.
 */
export async function installRedis(): Promise<void> {
  const updated = await aptGet('update').then(
    () => undefined,
    (error: Error) => error,
  )
  try {
    await aptGet('install', '-y', '--no-install-recommends', 'redis-server')
  } catch (cause) {
    // A failed update does not matter as long as the lists of an earlier one are good enough.
    const reasons = [updated, cause as Error].filter((error) => error !== undefined).map((error) => error.message)
    throw new Error(`expected apt-get to install redis-server, but: ${reasons.join('\n')}`, { cause })
  }
  if (existsSync('/run/systemd/system')) await run('systemctl', ['disable', '--now', 'redis-server'])
}

async function aptGet(...args: string[]): Promise<void> {
  const env = {
    ...environment(),
    DEBIAN_FRONTEND: 'noninteractive',
    // Keeps an init script from starting the daemon: nothing is started in the single-user runlevel.
    RUNLEVEL: '1',
  }
  try {
    await run('apt-get', ['-o', 'DPkg::Lock::Timeout=120', '-qq', ...args], { env, maxBuffer: 16 * 1024 * 1024 })
  } catch (error) {
    const { stdout, stderr, message } = error as Error & { stdout?: string; stderr?: string }
    throw new Error(`apt-get ${args[0]} failed: ${`${stdout ?? ''}${stderr ?? ''}`.trim() || message}`, {
      cause: error,
    })
  }
}
