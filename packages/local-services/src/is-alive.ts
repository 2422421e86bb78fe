import { readFileSync } from 'node:fs'

/** Whether a process with this id runs. One that has ended but was never waited for by its parent does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it is there, but belongs to someone else.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  return process.platform !== 'linux' || stateOf(pid) !== 'Z'
}

/** The letter after the program's name in parentheses, which may itself hold parentheses. */
function stateOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat[stat.lastIndexOf(')') + 2]
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'Z'
    throw error
  }
}
