/** Columns of text under a head: the first one to the left, the others to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => pad(cell, widths[column] as number, column === 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const pad = (text: string, width: number, left: boolean): string => (left ? text.padEnd(width) : text.padStart(width))

/** A number for people to read: three digits or more, without noise. */
export const show = (value: number): string => (Math.abs(value) >= 100 ? value.toFixed(0) : String(roundTo(value, 2)))

export const roundTo = (value: number, digits: number): number => Number(value.toFixed(digits))
