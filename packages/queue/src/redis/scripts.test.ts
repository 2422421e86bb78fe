import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { openTestQueues } from '../fixtures/test-queues.ts'
import { bullScript, runScript, SCRIPTS, WRAPPED } from './scripts.ts'

/** Number of keys and SHA-256 of each text of BullMQ that ours wrap. */
const PINNED: Record<(typeof WRAPPED)[number], [keys: number, sha256: string]> = {
  addStandardJob: [9, '2eee45c9ffc54d24681b737f926016a7f7464f0d32a5f87f623bffa2fc55413c'],
  addDelayedJob: [6, 'e47c0db3c46bd84afab98fae90bba3b98cf6554e74df840801c39baccc627c4c'],
  addPrioritizedJob: [9, 'd4652d1be004a3d7bfed76efdc706f2017f8dfd0080c51ab1f05457eeb1c3c77'],
  moveToFinished: [14, '8e744ec5d65dbe9e7ffb6e39a96c0268bba65e4f0b1d04e2d2a42ccb71b45a6d'],
  moveStalledJobsToWait: [9, 'dad86d89b50d825fb9ad1e95ef0ca9ae459ba16e837663fdbfc7be6de003debb'],
  moveToDelayed: [11, '1a7b9311ef92fd66416973c29fa8b2c909cec58d0bfcf3e5ab53bb07ea1664d7'],
  moveJobFromActiveToWait: [9, 'ac9546cdd23294a20e0941aa531b52d83ce387e69a6a3c251af5ca0266bb0753'],
  promote: [9, '06c562bf39eaaa21ac81963c16f5dce60d92e0a3966083e1f2389d55c3279459'],
}

const q = await openTestQueues()

describe('the Lua of BullMQ that we wrap', () => {
  it.each(WRAPPED)('%s is the text that was read', (name) => {
    const { content, keys } = bullScript(name)
    const sha256 = createHash('sha256').update(content).digest('hex')
    expect(
      [keys, sha256],
      `this BullMQ has another ${name}: compare it with the one before (KEYS, ARGV, what it returns, where it stops), ` +
        `mend the script in src/lua that wraps it, then pin ${sha256} here`,
    ).toEqual(PINNED[name])
  })
})

describe('SCRIPTS', () => {
  it.each(Object.entries(SCRIPTS))('%s is Lua that Redis accepts', async (_, text) => {
    expect(await q.redis.script('LOAD', text)).toBe(createHash('sha1').update(text).digest('hex'))
  })

  it('is made from the files in src/lua as they are now', async () => {
    const generator = fileURLToPath(new URL('../../scripts/generate-lua.ts', import.meta.url))
    await expect(promisify(execFile)(process.execPath, [generator, '--check'])).resolves.toBeDefined()
  })

  it('refuses a connection without the scripts, and says what to call', async () => {
    const plain = new Redis({ lazyConnect: true })
    expect(() => runScript(plain, 'redrive', [], [])).toThrow('call defineScripts(redis)')
  })
})
