/**
 * Cuts text to at most `maxBytes` of UTF-8, at a character's border, and says so at its end.
 *
 * @param maxBytes at least 40: room for the note
 * @example truncate('x'.repeat(9000), 8192).endsWith('[cut from 9000 bytes]')
 */
export function truncate(text: string, maxBytes: number): string {
  // A UTF-16 unit takes at most three bytes, so short text needs no count.
  if (text.length * 3 <= maxBytes) return text
  const bytes = Buffer.byteLength(text)
  if (bytes <= maxBytes) return text
  const note = `… [cut from ${bytes} bytes]`
  const room = Math.max(0, maxBytes - Buffer.byteLength(note))
  // A cut inside a character decodes to U+FFFD at the end; `fatal: false` is wanted, the stray mark is not.
  const head = Buffer.from(text.slice(0, room))
    .subarray(0, room)
    .toString()
    .replace(/\uFFFD+$/, '')
  return head + note
}
