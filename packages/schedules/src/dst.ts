/** What happens when the clocks of a zone are set. See `docs/schedules.md`, which shows each. */
export interface Dst {
  /** Which of the two hours counts when one comes twice. */
  readonly repeated: 'first' | 'last' | 'both'
  /** A time that the clocks leap over is due when they leap, or not at all. */
  readonly missing: 'shift' | 'skip'
}

/** For rules that name their hours: each local time is due once, whatever the clocks do. */
export const DST_BY_CLOCK: Dst = Object.freeze({ repeated: 'first', missing: 'shift' })

/** For rules that run in every hour: they go by elapsed time, so there is nothing to make up and nothing twice. */
export const DST_BY_ELAPSED: Dst = Object.freeze({ repeated: 'both', missing: 'skip' })
