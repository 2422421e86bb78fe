import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startProcess, type TestProcess, temporaryFolder } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'

/** Runs the trial where these are the only programs on PATH; each is the text of a shell script. */
async function trial(programs: Readonly<Record<string, string>>): Promise<TestProcess> {
  const folder = await temporaryFolder()
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`)
    await chmod(join(folder, name), 0o755)
  }
  return startProcess({ entry: join(import.meta.dirname, '../containers.ts'), env: { PATH: folder } })
}

describe('findCompose', () => {
  it.each([
    ['there is no Docker', {}, /^Expected a Docker that answers, .*`docker info` said: .*ENOENT/],
    [
      'no Docker answers',
      { docker: 'echo "Client:"; echo "Cannot connect to the daemon" >&2; exit 1' },
      /^Expected a Docker that answers, .* said: Cannot connect to the daemon\n/,
    ],
    [
      'there is no Compose',
      { docker: '[ "$1" = info ]' },
      /^Expected Docker Compose, .*`docker-compose version` said: .*ENOENT/,
    ],
  ])('says what is needed when %s, without a stack', async (_, programs: Record<string, string>, message) => {
    const run = await trial(programs)
    expect(await run.exited).toEqual({ code: 1, signal: null })
    expect(run.errorText).toMatch(message)
    expect(run.errorText).toMatch(/\nInstall or start it and try again: \S+\n$/)
    expect(run.lines.at(-1)?.text).toBe('0 passed, 1 failed')
  })
})
