import { spawn } from 'node:child_process'
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { startProcess, temporaryFolder, waitUntil } from '@foliot/testkit'
import { expect, it } from 'vitest'
import { isRunning } from './fixtures/isolated-bed.ts'
import { killGroup } from './kill-group.ts'

it('starts another shell at the next change, if the first could not be started', async () => {
  const wait = 'setInterval(() => {}, 1000)'
  const { pid = 0 } = spawn(process.execPath, ['-e', wait], { detached: true, stdio: 'ignore' })
  try {
    const folder = await temporaryFolder()
    const guarding = await startProcess({
      entry: 'apps/worker/src/isolation/fixtures/guard-twice.ts',
      args: [String(pid)],
      env: { PATH: folder },
      until: ({ text }) => text === 'spawn sh ENOENT',
    })
    await symlink('/bin/sh', join(folder, 'sh'))
    guarding.signal('SIGUSR2')
    await guarding.waitForLine(({ text }) => text === 'guarding')
    expect(isRunning(pid)).toBe(true)
    await guarding.kill()
    await waitUntil(() => !isRunning(pid))
    expect(guarding.lines).toHaveLength(2)
  } finally {
    killGroup(pid)
  }
})
