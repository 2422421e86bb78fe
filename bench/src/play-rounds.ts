import type { Figures, Pair } from './comparison.ts'
import { roundLine } from './report.ts'
import { Round } from './round.ts'
import type { Bench } from './run-bench.ts'

/** Measures one side once, from nothing. */
export type Arm<Name extends string> = (round: Round) => Promise<Figures<Name>>

export interface Arms<Name extends string> {
  ours: Arm<Name>
  baseline: Arm<Name>
}

/**
 * Measures both arms in turn, round after round. Who goes first alternates, so that what drifts during a run, such as
 * the temperature of the machine, falls on both alike.
 */
export async function playRounds<Name extends string>(
  bench: Bench,
  arms: Arms<Name>,
  main: NoInfer<Name>,
): Promise<Pair<Name>[]> {
  const play = async (number: number, arm: 'ours' | 'baseline'): Promise<Figures<Name>> => {
    bench.signal.throwIfAborted()
    await using round = new Round(number, arm, bench)
    return await round.waitFor(arms[arm](round))
  }
  const pairs: Pair<Name>[] = []
  for (let number = 1; number <= bench.options.rounds; number++) {
    const oursFirst = number % 2 === 1
    const first = await play(number, oursFirst ? 'ours' : 'baseline')
    const second = await play(number, oursFirst ? 'baseline' : 'ours')
    const pair = oursFirst ? { ours: first, baseline: second } : { ours: second, baseline: first }
    pairs.push(pair)
    console.log(roundLine(number, pair, main))
  }
  return pairs
}
