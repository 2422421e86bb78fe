import { spawn } from 'node:child_process'
import type { Socket } from 'node:net'

/**
 * $0 is the process id, $1 the seconds to linger, $2 the signal. Reads a pipe that nobody writes to: it ends when this
 * process does, however that ends. Looks every second, so that the id cannot have gone to another process by the kill.
 */
const WAIT_AND_END = `
read -r nothing
left="$1"
while [ "$left" -gt 0 ]; do
  kill -0 "$0" || exit 0
  sleep 1
  left=$((left - 1))
done
kill -s "$2" "$0"`

/**
 * Has `pid` stopped after this process has gone, even by SIGKILL, when it can no longer do so itself.
 *
 * @param lingerMs how long `pid` lives on, so that others that use it can finish. Rounded up to seconds.
 * @param signal what stops it.
 * @returns a function that calls it off.
 */
export function endWithParent(pid: number, lingerMs: number, signal: 'SIGTERM' | 'SIGINT'): () => void {
  const seconds = Math.ceil(lingerMs / 1000)
  const guard = spawn('sh', ['-c', WAIT_AND_END, String(pid), String(seconds), signal.slice('SIG'.length)], {
    // A group of its own: Ctrl-C must not reach it, and calling it off has to end its `sleep` too.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  guard.unref()
  // A child's pipe is a socket, which the types do not say.
  const stdin = guard.stdin as unknown as Socket
  stdin.unref()
  return () => {
    if (guard.pid === undefined || guard.exitCode !== null) return
    process.kill(-guard.pid, 'SIGKILL')
  }
}
