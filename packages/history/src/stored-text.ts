/**
 * PostgreSQL takes no NUL characters and no halves of surrogate pairs, which JSON and therefore jobs can hold. They are
 * stored as JSON would write them, `\u0000` and `\ud800`, so that nobody takes the text for another.
 */
export function storedText(text: string): string {
  if (text.isWellFormed() && !text.includes('\0')) return text
  return text.replace(
    /\0|\p{Surrogate}/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** The same of text that may be missing. */
export const storedTextOrNull = (text: string | undefined): string | null =>
  text === undefined ? null : storedText(text)

const INDEXED_LENGTH = 256

/** The beginning of what stands in an index of whole columns, of which three have to fit into a third of a page. */
export const indexedText = (text: string): string => storedText(text).slice(0, INDEXED_LENGTH)
