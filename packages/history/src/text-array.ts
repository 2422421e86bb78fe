const HEADER = 20
const TEXT_OID = 25

/**
 * An array of texts in PostgreSQL's binary form: one dimension, then each text behind its length. The driver would spell
 * it out with every quote and backslash escaped, which costs more than all else that is done to record a job.
 */
export function textArray(texts: readonly (string | null)[]): Buffer {
  const lengths = texts.map((text) => (text === null ? 0 : Buffer.byteLength(text)))
  const array = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + 4 + length, HEADER))
  array.writeInt32BE(1, 0)
  array.writeInt32BE(texts.includes(null) ? 1 : 0, 4)
  array.writeInt32BE(TEXT_OID, 8)
  array.writeInt32BE(texts.length, 12)
  array.writeInt32BE(1, 16)
  let at = HEADER
  for (const [i, text] of texts.entries()) {
    const length = lengths[i] as number
    array.writeInt32BE(text === null ? -1 : length, at)
    at += 4
    if (text !== null) array.write(text, at)
    at += length
  }
  return array
}
