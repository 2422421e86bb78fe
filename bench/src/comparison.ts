import { median } from './statistics.ts'

/** What one round of one arm measured: a number for each figure, whose name ends in its unit. */
export type Figures<Name extends string> = Readonly<Record<Name, number>>

/** One round: both arms, one right after the other. */
export interface Pair<Name extends string> {
  readonly ours: Figures<Name>
  readonly baseline: Figures<Name>
}

/** One figure over all rounds. */
export interface Compared {
  /** Medians over the rounds. */
  readonly ours: number
  readonly baseline: number
  /**
   * The median of the rounds' own ratios, which is not the ratio of the medians: a slow minute of the machine slows both
   * arms of a round and leaves its ratio alone.
   */
  readonly ratio: number
}

export function compare<Name extends string>(pairs: readonly Pair<Name>[], name: Name): Compared {
  return {
    ours: median(pairs.map(({ ours }) => ours[name])),
    baseline: median(pairs.map(({ baseline }) => baseline[name])),
    ratio: median(pairs.map((pair) => ratioOf(pair, name))),
  }
}

export const ratioOf = <Name extends string>({ ours, baseline }: Pair<Name>, name: Name): number =>
  ours[name] / baseline[name]
