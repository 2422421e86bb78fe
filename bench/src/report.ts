import { type Compared, compare, type Pair, ratioOf } from './comparison.ts'
import { roundTo, show, table } from './table.ts'

/** What a figure's ratio should reach, for the reader: `≥ 0.8`. */
export type Wanted<Name extends string> = Partial<Record<Name, string>>

/** One line as a round ends, so that whoever watches sees something. */
export function roundLine<Name extends string>(number: number, pair: Pair<Name>, main: Name): string {
  const { ours, baseline } = pair
  const ratio = ratioOf(pair, main).toFixed(3)
  return `round ${number}: ours ${show(ours[main])}, baseline ${show(baseline[main])} ${main}, ratio ${ratio}`
}

/**
 * Prints a table of all figures, and gives the result: the main figure's numbers by themselves, those of the others under
 * their names.
 */
export function report<Name extends string>(
  pairs: readonly Pair<Name>[],
  main: NoInfer<Name>,
  wanted: Wanted<NoInfer<Name>>,
): object {
  const names = Object.keys(pairs[0]?.ours ?? {}) as Name[]
  const compared = names
    .map((name) => [name, compare(pairs, name)] as const)
    // What cannot be measured on this system.
    .filter(([, { ratio }]) => !Number.isNaN(ratio))
  const rows = compared.map(([name, { ours, baseline, ratio }]) => [
    name,
    show(ours),
    show(baseline),
    ratio.toFixed(3),
    wanted[name] ?? '',
  ])
  console.log(`\n${table(['median', 'ours', 'baseline', 'ratio', 'wanted'], rows)}\n`)
  const { [main]: first, ...others } = Object.fromEntries(compared.map(([name, figure]) => [name, rounded(figure)]))
  return { figure: main, ...first, rounds: pairs.length, ...others }
}

const rounded = ({ ours, baseline, ratio }: Compared): Compared => ({
  ours: roundTo(ours, 2),
  baseline: roundTo(baseline, 2),
  ratio: roundTo(ratio, 3),
})
