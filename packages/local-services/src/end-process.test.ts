import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { endProcess, signalIfThere } from './end-process.ts'

const children: ChildProcess[] = []

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** A process that waits for ever, its id, and what ends it. */
async function startChild(): Promise<{ pid: number; exit: Promise<unknown[]> }> {
  const child = spawn('sleep', ['infinity'])
  children.push(child)
  await once(child, 'spawn')
  return { pid: child.pid as number, exit: once(child, 'exit') }
}

describe('endProcess', () => {
  it('settles when the process has ended by the signal', async () => {
    const { pid, exit } = await startChild()
    await endProcess(pid, 'SIGINT')
    expect(await exit).toEqual([null, 'SIGINT'])
  })

  it('settles too if something else has ended it before', async () => {
    const { pid, exit } = await startChild()
    signalIfThere(pid, 'SIGKILL')
    await exit
    await endProcess(pid, 'SIGTERM')
  })

  it('settles too if something else ends it meanwhile', async () => {
    const { pid, exit } = await startChild()
    signalIfThere(pid, 'SIGSTOP')
    const ended = endProcess(pid, 'SIGTERM')
    signalIfThere(pid, 'SIGKILL')
    await ended
    expect(await exit).toEqual([null, 'SIGKILL'])
  })
})

it('signalIfThere tells every other fault', () => {
  expect(() => signalIfThere(process.pid, 'SIGNONE' as NodeJS.Signals)).toThrow('SIGNONE')
})
