/** What a log begins with, in place of its first `count` lines, if those were not kept. */
export const earlierLinesNote = (count: number): string => `… [${count} earlier lines were left out]`

/** How many lines such a first line stands for. 0 for any other line, or none. */
export const earlierLinesOf = (line: string | undefined): number =>
  Number(/^… \[(\d{1,15}) earlier lines were left out\]$/.exec(line ?? '')?.[1] ?? 0)
