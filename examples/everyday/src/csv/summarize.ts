import { pipeline } from 'node:stream/promises'
import { type Handler, type JobContext, type JobData, UnrecoverableError } from '@foliot/jobs'
import { CsvError, parse } from 'csv-parse'
import type { Gate } from '../http/gate.ts'
import type { csvSummarize } from '../jobs.ts'
import { drawBarChart } from './bar-chart.ts'
import { rankGroups } from './ranking.ts'
import { openSource, type Source } from './source.ts'
import { makeTally, type Tally } from './tally.ts'

type Input = JobData<typeof csvSummarize>

const ROWS_PER_REPORT = 50_000
const BARS_MAX = 20

const CSV_OPTIONS = {
  bom: true,
  skip_empty_lines: true,
  // A quote within a cell is a character; a row may have fewer cells than the header, or too many.
  relax_quotes: true,
  relax_column_count: true,
  // A quote that is never closed would otherwise read the rest of the source into one cell.
  max_record_size: 1024 * 1024,
}

/** Reads a table row by row, keeps the totals of its groups, and reports how far it has come. */
export function makeCsvSummarize(options: { filesDir: string | undefined; gate: Gate }): Handler<typeof csvSummarize> {
  return async (input, ctx) => {
    const source = await openSource(input.source, { ...options, signal: ctx.signal })
    const { groups, read, skipped } = await readTable(source, input, ctx)
    const rows = rankGroups(groups, input.aggregate)
    const bars = rows.slice(0, BARS_MAX).map(({ group, value }) => ({ label: group, value }))
    const svg = drawBarChart(describeChart(input, bars.length, groups.size), bars)
    return { rows, groups: groups.size, read, skipped, svg }
  }
}

async function readTable(source: Source, input: Input, ctx: JobContext): Promise<Tally> {
  let bytes = 0
  const report = (rows: number): Promise<void> => ctx.progress({ rows, bytes, totalBytes: source.totalBytes ?? null })

  async function* countBytes(chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      bytes += chunk.length
      yield chunk
    }
  }

  async function tallyRows(records: AsyncIterable<string[]>): Promise<Tally> {
    let tally: Tally | undefined
    for await (const record of records) {
      if (!tally) tally = makeTally(record, input)
      else tally.add(record)
      if (tally.read % ROWS_PER_REPORT === 0 && tally.read > 0) await report(tally.read)
    }
    if (!tally) throw invalidCsv('expected a header and rows, got nothing')
    await report(tally.read)
    return tally
  }

  try {
    return await pipeline(source.bytes, countBytes, parse(CSV_OPTIONS), tallyRows, { signal: ctx.signal })
  } catch (error) {
    ctx.signal.throwIfAborted()
    throw error instanceof CsvError ? invalidCsv(error.message, error) : error
  }
}

const invalidCsv = (reason: string, cause?: unknown) =>
  new UnrecoverableError(`the source is no CSV table: ${reason}`, { kind: 'invalid_csv', cause })

function describeChart({ aggregate, measure, groupBy }: Input, bars: number, groups: number): string {
  const what = aggregate === 'count' ? 'rows' : `${aggregate} of ${measure}`
  return `${what} by ${groupBy}${bars < groups ? `, the first ${bars} of ${groups}` : ''}`
}
