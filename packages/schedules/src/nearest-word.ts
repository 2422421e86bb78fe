/** The word that differs from `given` in the fewest letters, if they are at most a third of it. Case does not count. */
export function nearestWord(given: string, words: readonly string[]): string | undefined {
  let nearest: string | undefined
  let fewest = Math.floor(given.length / 3) + 1
  if (given.length > 100) return undefined
  for (const word of words) {
    const letters = distance(given.toLowerCase(), word.toLowerCase())
    if (letters >= fewest) continue
    fewest = letters
    nearest = word
  }
  return nearest
}

/** How many letters have to be changed, added or left out (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
