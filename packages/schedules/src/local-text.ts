import type { LocalTimes } from './cron-times.ts'

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

/** A local time (see `nextLocalTime`) for people: `Sunday 2027-03-28 02:30`. Seconds only if there are any. */
export function localText(local: number): string {
  const date = new Date(local)
  const [day, time = ''] = date.toISOString().split('T')
  return `${WEEKDAYS[date.getUTCDay()]} ${day} ${clockText(time)}`
}

/** `Sunday 2027-03-28 02:30`, or `2 times from Sunday 2027-03-28 02:00 to 02:30`. */
export const describeTimes = ({ from, to, count }: LocalTimes): string =>
  count === 1
    ? localText(from)
    : `${count} times from ${localText(from)} to ${clockText(new Date(to).toISOString().slice(11))}`

export const describeMissing = (times: LocalTimes, zone: string): string =>
  `${describeTimes(times)} ${times.count === 1 ? 'does' : 'do'} not exist in ${zone}, the clocks go forward`

const clockText = (time: string): string => (time.startsWith('00', 6) ? time.slice(0, 5) : time.slice(0, 8))
