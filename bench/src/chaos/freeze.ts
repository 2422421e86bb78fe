import { spawn } from 'node:child_process'
import type { Socket } from 'node:net'

/** $0 is the process id. Reads a pipe that nobody writes to: it ends when this process does, by whatever signal. */
const WAIT_AND_THAW = 'read -r nothing; kill -CONT "$0"'

/**
 * Stops a process by SIGSTOP. A frozen process cannot notice that we have gone, so a guard lets it go on if we are killed
 * meanwhile.
 *
 * @param signal sends a signal to it.
 * @returns a function that lets it go on. Safe twice, and after its end.
 */
export function freeze(pid: number, signal: (name: NodeJS.Signals) => unknown): () => void {
  const guard = spawn('sh', ['-c', WAIT_AND_THAW, String(pid)], {
    // A group of its own: Ctrl-C must not reach it.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  guard.unref()
  // A child's pipe is a socket, which the types do not say.
  const stdin = guard.stdin as unknown as Socket
  stdin.on('error', () => undefined).unref()
  signal('SIGSTOP')
  let isFrozen = true
  return () => {
    if (!isFrozen) return
    isFrozen = false
    signal('SIGCONT')
    guard.kill('SIGKILL')
  }
}
