import type { ErrorMatch, RetryRule } from '@foliot/jobs'
import type { ClassifiedError } from './classify-error.ts'

/** The first rule that matches the error; undefined if none does. */
export function findRule(
  rules: readonly RetryRule[] | undefined,
  { kind, name }: Pick<ClassifiedError, 'kind' | 'name'>,
): RetryRule | undefined {
  return rules?.find(({ match }) => (match.kind ?? kind) === kind && (match.name ?? name) === name)
}

/** Which errors a rule is for: `the rule for kind http_429`, `the rule for kind error and name TypeError`. */
export function describeRule({ match }: { match: ErrorMatch }): string {
  const fields = Object.entries(match).map(([field, value]) => `${field} ${value}`)
  return `the rule for ${fields.length > 0 ? fields.join(' and ') : 'any error'}`
}
