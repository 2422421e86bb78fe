import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { claimOn } from './claim-folder.ts'
import { freePort } from './free-port.ts'
import { startRedis } from './start-redis.ts'

async function temporaryFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'foliot-claim-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  return dir
}

const claim = (dir: string, text: string): Promise<void> => writeFile(join(dir, 'redis.json'), text)

describe('claimOn', () => {
  it('finds who runs a Redis on the folder, until that has stopped', async () => {
    const dir = await temporaryFolder()
    const redis = await startRedis({ dir })
    expect(await claimOn(dir)).toEqual({ ownerPid: process.pid, port: redis.port })
    await redis.stop()
    expect(await claimOn(dir)).toBeUndefined()
  })

  it('finds nobody on a folder that is not there', async () => {
    expect(await claimOn(join(await temporaryFolder(), 'none'))).toBeUndefined()
  })

  it('does not take for running what a killed one has left behind', async () => {
    const dir = await temporaryFolder()
    const ended = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
    await once(ended, 'exit')
    const elsewhere = await startRedis({ dir: await temporaryFolder() })
    for (const [ownerPid, port] of [
      [process.pid, await freePort()],
      [process.pid, elsewhere.port],
      [ended.pid, elsewhere.port],
    ]) {
      await claim(dir, JSON.stringify({ ownerPid, port }))
      expect(await claimOn(dir)).toBeUndefined()
    }
    await elsewhere.stop()
  })

  it.each(['', '{', '{}', '{"ownerPid": "1", "port": 1}'])('refuses to guess from a file with %j', async (text) => {
    const dir = await temporaryFolder()
    await claim(dir, text)
    await expect(claimOn(dir)).rejects.toThrow('expected')
  })
})
