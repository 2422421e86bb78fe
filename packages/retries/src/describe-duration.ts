const UNITS = [
  { name: 'd', ms: 24 * 60 * 60 * 1000 },
  { name: 'h', ms: 60 * 60 * 1000 },
  { name: 'min', ms: 60 * 1000 },
  { name: 's', ms: 1000 },
] as const

/** A duration for people, to one decimal of its largest unit: `850 ms`, `2.7 s`, `1 min`, `1.5 h`. */
export function describeDuration(ms: number): string {
  const unit = UNITS.find((candidate) => ms >= candidate.ms)
  return unit ? `${Number((ms / unit.ms).toFixed(1))} ${unit.name}` : `${Math.round(ms)} ms`
}
