const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/

/**
 * A number as JSON spells it, in the one form that all its spellings have, however many digits it has: those without zeros at
 * either end, and an exponent.
 */
export function decimalOf(number: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = NUMBER.exec(number) ?? []
  const digits = whole + fraction
  let from = 0
  let to = digits.length
  while (digits[from] === '0') from++
  while (to > from && digits[to - 1] === '0') to--
  if (from === to) return '0'
  return `${sign}${digits.slice(from, to)}e${BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - to)}`
}

/** Of two digits at most, since PostgreSQL takes no exponent of any size. */
const SPELLING = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,2})?$/

/** Whether a search for this text may mean a number: if it is one as JSON spells it. */
export const isDecimal = (text: string): boolean => SPELLING.test(text)
