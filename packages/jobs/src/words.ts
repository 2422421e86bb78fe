import type { JobFailure } from './job.ts'

/** What is so long is taken for several words: no index takes one of any length. */
const WORD = /[\p{L}\p{N}]{1,256}/gu

/** The words of a text, each once, in lower case. Whatever is searched for words asks this what they are. */
export const wordsOf = (text: string): Set<string> => new Set(text.toLowerCase().match(WORD) ?? [])

interface Attempt {
  error?: Pick<JobFailure, 'name' | 'message' | 'kind'>
  reason?: string
}

/** In what a job is searched for words: its errors and the reasons of its attempts, then its log, the last line first. */
export function searchedTexts(
  error: JobFailure | null,
  attempts: readonly Attempt[],
  log: readonly string[],
): Set<string> {
  const errors = [error, ...attempts.map((attempt) => attempt.error)]
  return new Set([
    ...errors.flatMap((each) => (each ? [each.name, each.kind, each.message] : [])),
    ...attempts.flatMap(({ reason }) => reason ?? []),
    ...log.toReversed(),
  ])
}
