import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Running, start } from './process.ts'

/** A process of ours that was given one thing to do, and answers once it is done or, if it serves, ready. */
export interface Errand<Answer> extends Running {
  readonly answer: Answer
}

/**
 * Starts a file that calls `onErrand`, gives it its task, and waits for its answer. Task and answer have to be JSON.
 *
 * @throws Error with what it wrote if it ends without an answer.
 */
export async function startErrand<Task extends object, Answer>(file: URL, task: Task): Promise<Errand<Answer>> {
  const path = fileURLToPath(file)
  // It ends when its standard input does: also when we are killed.
  const process = start({ name: path, args: [path], ipc: true, end: (child) => child.stdin?.end() })
  const answered = once(process.child, 'message') as Promise<[Answer]>
  process.child.send(task, () => undefined)
  const ended = process.exited.then(() => {
    throw new Error(`${path} ended without an answer:\n${process.lastOutput}`)
  })
  const [answer] = await Promise.race([answered, ended])
  // Whoever waits on hears of its end from the round.
  ended.catch(() => undefined)
  return Object.assign(process, { answer })
}
