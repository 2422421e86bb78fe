export const DAY_MS = 24 * 60 * 60 * 1000

/** `YYYY-MM-DD` in UTC. */
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

/** A time for which there is a date with a year of four digits: what lies beyond is as good as its end. */
export const withinCalendar = (ms: number): number => Math.min(Math.max(ms, 0), Date.UTC(9999, 11, 31))

/** RFC 3339, as PostgreSQL reads times. @throws RangeError if it is no number. */
export const timeOf = (ms: number): string => new Date(withinCalendar(ms)).toISOString()
