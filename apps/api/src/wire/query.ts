import { z } from 'zod'

/** An integer in a query string. `z.coerce` would read `0x10`, and nothing at all as 0. */
export const integerParam = (minimum: number, maximum: number) =>
  z
    .string()
    .regex(/^-?\d{1,15}$/, 'expected an integer')
    .transform(Number)
    .pipe(z.int().min(minimum).max(maximum))
    .meta({ type: 'integer', minimum, maximum })

export const MANY = 'One, several separated by commas, or the parameter several times'

/** What `MANY` says. */
export const manyOf = <T extends z.ZodType<string, string>>(item: T) =>
  z
    .union([z.string(), z.array(z.string())])
    .transform((value) => [value].flat().flatMap((text) => text.split(',')))
    .pipe(z.array(item))
