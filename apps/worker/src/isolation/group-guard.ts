import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'

/**
 * Each line that it reads is the list of all groups, in place of the one before. The pipe ends when this process does, by
 * whatever signal: then it kills the groups of the last line.
 */
const KILL_AT_END = `
while read -r line; do groups="$line"; done
for group in $groups; do kill -s KILL -- "-$group"; done`

/**
 * Has process groups killed when this process is gone, even by SIGKILL. A process that never lets go of its event loop
 * does not notice by itself that nobody is left to hear from it.
 */
export class GroupGuard {
  readonly #onError: (error: Error) => void
  #shell: ChildProcess | undefined

  /** @param onError told when there is no shell to do it. */
  constructor(onError: (error: Error) => void) {
    this.#onError = onError
  }

  /** From here on these are the groups to kill, and no others. */
  watch(groups: readonly number[]): void {
    if (groups.length > 0) {
      this.#shell ??= this.#start()
      this.#shell.stdin?.write(`${groups.join(' ')}\n`)
      return
    }
    this.#shell?.stdin?.end('\n')
    this.#shell = undefined
  }

  #start(): ChildProcess {
    // A group of its own: what ends the group of this process must leave it to do its work.
    const shell = spawn('sh', ['-c', KILL_AT_END], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
    // Whoever ended it, and if it never began: the next change starts another one.
    const forget = (): void => {
      if (this.#shell === shell) this.#shell = undefined
    }
    shell.on('exit', forget)
    shell.on('error', (error) => {
      forget()
      this.#onError(error)
    })
    shell.stdin?.on('error', () => undefined)
    shell.unref()
    // A child's pipe is a socket, which the types do not say.
    ;(shell.stdin as Socket | null)?.unref()
    return shell
  }
}
