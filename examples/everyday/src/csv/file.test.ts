import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFile } from './file.ts'

let base: string
let filesDir: string

/** base/secret.csv, base/files-too/secret.csv, and what jobs may read: base/files. */
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'foliot-files-'))
  filesDir = join(base, 'files')
  for (const folder of [join(filesDir, 'deep'), join(base, 'files-too')]) await mkdir(folder, { recursive: true })
  for (const file of ['secret.csv', 'files-too/secret.csv']) await writeFile(join(base, file), 'secret')
  for (const file of ['a.csv', 'deep/b.csv', '..c.csv']) await writeFile(join(filesDir, file), file)
  await symlink(join(base, 'secret.csv'), join(filesDir, 'out.csv'))
  await symlink(base, join(filesDir, 'out'))
  await symlink(join(filesDir, 'a.csv'), join(filesDir, 'in.csv'))
  await symlink(join(filesDir, 'loop.csv'), join(filesDir, 'loop.csv'))
  await symlink(filesDir, join(base, 'link-to-files'))
  execFileSync('mkfifo', [join(filesDir, 'pipe.csv')])
})

afterAll(() => rm(base, { recursive: true, force: true }))

const contentOf = async (path: string, dir = filesDir) => text((await openFile(dir, path)).bytes)

const refusal = (kind: string) => expect.objectContaining({ name: 'UnrecoverableError', kind })

describe('openFile', () => {
  it.each([
    ['a.csv', 'a.csv'],
    ['./deep/../deep/b.csv', 'deep/b.csv'],
    ['..c.csv', '..c.csv'],
    ['in.csv', 'a.csv'],
  ])('opens %s', async (path, content) => {
    expect(await contentOf(path)).toBe(content)
  })

  it('opens a file of a folder that is itself a link', async () => {
    expect(await contentOf('a.csv', join(base, 'link-to-files'))).toBe('a.csv')
  })

  it('says how large the file is', async () => {
    const { bytes, totalBytes } = await openFile(filesDir, 'a.csv')
    bytes.destroy()
    expect(totalBytes).toBe(5)
  })

  it.each([
    '../secret.csv',
    'deep/../../secret.csv',
    '../files-too/secret.csv',
    '..',
    '../nothing',
    'out.csv',
    'out/secret.csv',
  ])('refuses %s, which leads out of the folder', async (path) => {
    await expect(openFile(filesDir, path)).rejects.toEqual(refusal('forbidden_path'))
    await expect(openFile(filesDir, path)).rejects.toThrow('expected a path below FOLIOT_FILES_DIR')
  })

  it('refuses an absolute path, also into the folder', async () => {
    for (const path of ['/etc/passwd', join(filesDir, 'a.csv')]) {
      await expect(openFile(filesDir, path)).rejects.toEqual(refusal('forbidden_path'))
    }
  })

  it.each(['nothing.csv', 'deep', '.', 'a.csv/b', 'loop.csv', 'pipe.csv', 'x'.repeat(1000)])(
    'finds no file at %s',
    async (path) => {
      await expect(openFile(filesDir, path)).rejects.toEqual(refusal('file_not_found'))
    },
  )

  it('refuses every path if there is no folder, and says what to set', async () => {
    await expect(openFile(undefined, 'a.csv')).rejects.toEqual(refusal('forbidden_path'))
    await expect(openFile(undefined, 'a.csv')).rejects.toThrow('"a.csv" may not be read: set FOLIOT_FILES_DIR')
  })

  it('does not tell where the folder is', async () => {
    for (const path of ['../secret.csv', 'out.csv', 'nothing.csv', 'loop.csv']) {
      await expect(openFile(filesDir, path)).rejects.toThrow(
        expect.not.objectContaining({ message: expect.stringContaining(base) }),
      )
    }
  })
})
