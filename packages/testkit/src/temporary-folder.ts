import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atEndOfFile } from './at-end-of-file.ts'

/** A new, empty folder, removed with all its content when the test file ends. */
export async function temporaryFolder(): Promise<string> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'foliot-test-')))
  atEndOfFile(() => rm(dir, { recursive: true, force: true }))
  return dir
}
