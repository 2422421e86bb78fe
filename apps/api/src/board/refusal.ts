import { FoliotError } from '@foliot/jobs'

/** @throws FoliotError `forbidden`, for what the board's own buttons would do behind the back of history and audit. */
export function refuse(what: string): never {
  throw new FoliotError('forbidden', `the board may not ${what}`, {
    hint: 'it retries and promotes jobs, pauses and resumes queues; /docs shows what else can be done, and how',
  })
}
