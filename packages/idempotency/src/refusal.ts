import { FoliotError } from '@foliot/jobs'

/** The run as it stands when somebody may not end it. */
interface Standing {
  status: 'in_progress' | 'completed' | 'failed'
  owner: string
  token: number
}

/** Why whoever has `token` may not end the run; every store says it in the same words. */
export function refusal(standing: Standing | undefined, token: number): FoliotError {
  if (!standing) return conflict('a run that was begun', 'none: it never began, or it is forgotten')
  const { status, owner, token: latest } = standing
  if (latest !== token) return conflict(`the token of the latest begin, by ${owner}`, 'an older or unknown one')
  return conflict('a run in progress', `one that has ${status} otherwise`)
}

const conflict = (expected: string, got: string): FoliotError =>
  new FoliotError('conflict', `expected ${expected}, got ${got}`, {
    hint: 'drop this result, and read the run: it is no longer yours to end',
  })
