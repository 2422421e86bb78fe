/**
 * What a process that was started by `startErrand` does: waits for its task, does it, and answers. It lives on, for
 * those that serve, until its parent ends its standard input or is gone.
 */
export function onErrand<Task, Answer>(work: (task: Task) => Promise<Answer>): void {
  process.once('message', async (task) => {
    const answer = await work(task as Task)
    process.send?.(answer)
  })
  process.stdin.once('end', () => process.exit()).resume()
}
