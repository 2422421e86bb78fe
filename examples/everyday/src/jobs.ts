/**
 * Two job types of everyday use. Data only, so that a producer can import them (`@foliot/example-everyday/jobs`)
 * without loading a handler.
 */
import { defineJob } from '@foliot/jobs'
import { z } from 'zod'

const MINUTE_MS = 60_000

/** The longest URL that is asked for, or that a redirect may lead to. */
export const URL_MAX_LENGTH = 4096

/** Headers that speak of the connection, which the HTTP client alone knows. */
const CONNECTION_HEADERS = [
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

const headers = z
  .record(
    z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'expected the name of an HTTP header'),
    z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'expected one line of text'),
  )
  .refine((given) => !Object.keys(given).some((name) => CONNECTION_HEADERS.includes(name.toLowerCase())), {
    error: `expected none of the headers that the client sets itself: ${CONNECTION_HEADERS.join(', ')}`,
  })

export const httpRequest = defineJob({
  name: 'http.request',
  description: 'Sends an HTTP request and keeps what was answered; refuses addresses that are not public',
  input: z.strictObject({
    url: z.url().max(URL_MAX_LENGTH),
    /** Any method but CONNECT, in either case. */
    method: z
      .string()
      .regex(/^(?![Cc][Oo][Nn][Nn][Ee][Cc][Tt]$)[A-Za-z][A-Za-z_-]{0,31}$/, 'expected an HTTP method but CONNECT')
      .toUpperCase()
      .default('GET'),
    headers: headers.default({}),
    /** Text is sent as it is, any other JSON value as JSON. */
    body: z.unknown().optional(),
    /** For the whole exchange: redirects and body included. */
    timeoutMs: z
      .int()
      .min(1)
      .max(10 * MINUTE_MS)
      .default(30_000),
    followRedirects: z.boolean().default(true),
  }),
  output: z.strictObject({
    status: z.int(),
    /** Names are in lower case; the values of one name are joined by `, `. */
    headers: z.record(z.string(), z.string()),
    /** The first 4 KiB as text. */
    bodyPreview: z.string(),
    /** How many bytes of the body were read. */
    bodyBytes: z.int(),
    /** Reading stopped at 10 MiB, before the body's end. */
    bodyCut: z.boolean(),
    durationMs: z.int(),
    /** Where the answer came from, after redirects. */
    url: z.string(),
  }),
  queue: 'http',
  // Longer than the longest request, so that by default only the input's `timeoutMs` ends one.
  timeoutMs: 11 * MINUTE_MS,
  redact: ['headers', 'body'],
})

export const AGGREGATES = ['count', 'sum', 'mean', 'min', 'max'] as const

const column = z.string().min(1).max(1000)

const row = z.strictObject({ group: z.string(), value: z.number(), count: z.int() })

export const csvSummarize = defineJob({
  name: 'csv.summarize',
  description: 'Groups the rows of a CSV table by a column, and draws the largest groups as a bar chart',
  input: z
    .strictObject({
      /** A path below `FOLIOT_FILES_DIR`, or an http(s) URL. */
      source: z
        .string()
        .min(1)
        .max(URL_MAX_LENGTH)
        .regex(/^[^\0]*$/, 'expected a path or a URL without a NUL character'),
      groupBy: column,
      /** The column of numbers. Rows without a number in it are skipped, whatever the aggregate. */
      measure: column.optional(),
      aggregate: z.enum(AGGREGATES),
    })
    // A rule that JSON Schema cannot say: the API takes the job, the worker makes it a dead letter before the handler.
    .refine(({ aggregate, measure }) => aggregate === 'count' || measure !== undefined, {
      path: ['measure'],
      error: 'expected `measure`, the column of numbers, for every aggregate but count',
    }),
  output: z.strictObject({
    /** The 50 groups of the largest values, then the rest, if any, as one row `other`. */
    rows: z.array(row),
    /** How many groups there are in all. More than 50: the last of `rows` is the rest. */
    groups: z.int(),
    /** How many rows were read, the skipped ones included. */
    read: z.int(),
    /** How many rows had no number in `measure`, or more cells than the header. */
    skipped: z.int(),
    /** A bar chart of the first 20 rows. */
    svg: z.string(),
  }),
  queue: 'files',
  timeoutMs: 10 * MINUTE_MS,
})

export const everydayJobs = [httpRequest, csvSummarize] as const
