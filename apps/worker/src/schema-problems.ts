import type { JobSchema } from '@foliot/jobs'

type Issues = Extract<Awaited<ReturnType<JobSchema['~standard']['validate']>>, { issues: object }>['issues']

/** What a schema has against a value, as one line: where, as a JSON Pointer, and what. */
export const describeProblems = (issues: Issues): string =>
  issues.map(({ path, message }) => `${pointerOf(path)}: ${message}`).join('; ')

const pointerOf = (path: Issues[number]['path']): string =>
  (path ?? []).map((part) => `/${String(typeof part === 'object' ? part.key : part)}`).join('') || '/'
