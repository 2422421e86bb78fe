/** Kills a process and all that it started, as far as that stayed in its group. Does nothing if none of them is left. */
export function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL')
  } catch (error) {
    // EPERM: macOS says so of a group whose processes have all ended.
    if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}
