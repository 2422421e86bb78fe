import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive } from './is-alive.ts'

/** As `process.kill`, but one that has ended meanwhile needs no signal. */
export function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Ends a process that is no child of ours, so that no event tells its end, and waits until it has ended. */
export async function endProcess(pid: number, signal: NodeJS.Signals): Promise<void> {
  signalIfThere(pid, signal)
  while (isAlive(pid)) await sleep(20)
}
