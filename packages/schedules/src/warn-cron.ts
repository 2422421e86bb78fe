import { membersOf, nextOfSixty, type Sixty } from './bits.ts'
import type { CronFields } from './cron-fields.ts'
import { fieldsOf } from './cron-names.ts'

/** What an expression does that its writer may not expect, one sentence each. The expression is right. */
export function warnCron(fields: CronFields): readonly string[] {
  const texts = fieldsOf(fields.expression)
  const textOf = (name: string) => texts?.find(({ kind }) => kind.name === name)?.text ?? '*'
  return Object.freeze([
    ...warnUneven('minutes', textOf('minutes'), fields.minutes, 60_000),
    ...warnUneven('seconds', textOf('seconds'), fields.seconds, 1000),
    ...(fields.meet === 'or'
      ? [
          `A day counts if the day of the month is ${textOf('day of the month')} or the weekday is ${textOf('weekday')}: ` +
            `write +${textOf('weekday')} if both have to be true.`,
        ]
      : []),
  ])
}

function warnUneven(name: string, text: string, sixty: Sixty, unitMs: number): string[] {
  const step = Number(/^\*\/(\d+)$/.exec(text)?.[1])
  if (!(60 % step)) return []
  const values = membersOf((from) => nextOfSixty(sixty, from))
  return [
    `${text} for ${name} begins anew at 0: the gap after ${values.at(-1)} is ${60 - (values.at(-1) ?? 0)}, not ${step}; ` +
      `for even gaps use \`everyMs\`: ${step * unitMs}.`,
  ]
}
