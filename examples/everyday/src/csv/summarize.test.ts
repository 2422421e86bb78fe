import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type JobInput, LIMITS } from '@foliot/jobs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseAllowList } from '../http/allow-list.ts'
import { makeGate } from '../http/gate.ts'
import { startTestServer } from '../http/test-server.ts'
import { csvSummarize } from '../jobs.ts'
import { testContext } from '../test-context.ts'
import { makeCsvSummarize } from './summarize.ts'

type Input = JobInput<typeof csvSummarize>

let filesDir: string

beforeAll(async () => {
  filesDir = await mkdtemp(join(tmpdir(), 'foliot-csv-'))
})

afterAll(() => rm(filesDir, { recursive: true, force: true }))

/** Runs the handler on an input as a worker would: parsed before, and its output checked afterwards. */
async function run(input: Input, { ctx = testContext().ctx, allow = '127.0.0.1' } = {}) {
  const handler = makeCsvSummarize({ filesDir, gate: makeGate(parseAllowList(allow).allow) })
  const output = await handler(csvSummarize.input.parse(input), ctx)
  const checked = csvSummarize.output?.parse(output)
  if (!checked) throw new Error('expected csv.summarize to have an output schema')
  return checked
}

let tables = 0

/** Writes a table into the folder that jobs may read and gives its name. */
async function table(content: string | Buffer | Iterable<string>): Promise<string> {
  const name = `table-${++tables}.csv`
  if (typeof content === 'string' || Buffer.isBuffer(content)) await writeFile(join(filesDir, name), content)
  else await pipeline(Readable.from(content), createWriteStream(join(filesDir, name)))
  return name
}

function* rowsOf(count: number, row: (index: number) => string, header = 'group,value'): Generator<string> {
  yield `${header}\n`
  for (let i = 0; i < count; i++) yield row(i)
}

const refusal = (kind: string) => expect.objectContaining({ name: 'UnrecoverableError', kind, retryable: false })

describe('csv.summarize', () => {
  it('sums a column by another', async () => {
    const source = await table('town,cost\nUlm,1.5\nBonn,10\nUlm,2\n')
    const output = await run({ source, groupBy: 'town', measure: 'cost', aggregate: 'sum' })
    expect(output).toEqual({
      rows: [
        { group: 'Bonn', value: 10, count: 1 },
        { group: 'Ulm', value: 3.5, count: 2 },
      ],
      groups: 2,
      read: 3,
      skipped: 0,
      svg: expect.stringMatching(/^<svg .*sum of cost by town.*<\/svg>$/s),
    })
  })

  it.each([
    ['count', 3],
    ['sum', 9],
    ['mean', 3],
    ['min', -1],
    ['max', 6],
  ] as const)('knows the %s', async (aggregate, value) => {
    const source = await table('town,cost\nUlm,4\nUlm,-1\nUlm,6\nUlm,\n')
    const { rows, skipped } = await run({ source, groupBy: 'town', measure: 'cost', aggregate })
    expect({ rows, skipped }).toEqual({ rows: [{ group: 'Ulm', value, count: 3 }], skipped: 1 })
  })

  it('counts every row if no measure is given', async () => {
    const source = await table('town,cost\nUlm,4\nUlm,\n')
    const { rows, skipped } = await run({ source, groupBy: 'town', aggregate: 'count' })
    expect({ rows, skipped }).toEqual({ rows: [{ group: 'Ulm', value: 2, count: 2 }], skipped: 0 })
  })

  it('reads quotes, line breaks in cells, empty lines, CRLF, a byte order mark and a `$` in a name', async () => {
    const source = await table(
      '\uFEFFPlace,"Cost Total $","a ""quoted"" name"\r\n"Ulm, Danube",1,\r\n"two\r\nlines",2,x\r\n\r\nsay "hi",3,\r\n,4,',
    )
    const { rows, read, skipped } = await run({ source, groupBy: 'Place', measure: 'Cost Total $', aggregate: 'sum' })
    expect(rows).toEqual([
      { group: '', value: 4, count: 1 },
      { group: 'say "hi"', value: 3, count: 1 },
      { group: 'two\r\nlines', value: 2, count: 1 },
      { group: 'Ulm, Danube', value: 1, count: 1 },
    ])
    expect({ read, skipped }).toEqual({ read: 4, skipped: 0 })
    const quoted = await run({ source, groupBy: 'a "quoted" name', aggregate: 'count' })
    expect(quoted.groups).toBe(2)
  })

  it('reads characters that two chunks of the file share', async () => {
    // A chunk of a file has 64 KiB; the euro sign has three bytes.
    const source = await table(`group\n${'€'.repeat(40_000)}\n${'€'.repeat(40_000)}\n`)
    expect((await run({ source, groupBy: 'group', aggregate: 'count' })).groups).toBe(1)
  })

  it('gives the 50 largest groups and the rest as "other"', async () => {
    const source = await table(rowsOf(60, (i) => `g${i},${i}\n`))
    const { rows, groups } = await run({ source, groupBy: 'group', measure: 'value', aggregate: 'mean' })
    expect(groups).toBe(60)
    expect(rows).toHaveLength(51)
    expect(rows[0]).toEqual({ group: 'g59', value: 59, count: 1 })
    expect(rows[50]).toEqual({ group: 'other', value: 4.5, count: 10 })
  })

  it('draws the first 20 rows, and says of how many', async () => {
    const source = await table(rowsOf(30, (i) => `g${i},1\n`))
    const { svg } = await run({ source, groupBy: 'group', aggregate: 'count' })
    expect(svg).toContain('rows by group, the first 20 of 30')
    expect(svg.match(/<rect x=/g)).toHaveLength(20)
  })

  it('keeps its output below the limit, whatever the groups are called', async () => {
    for (const character of ['\u0001', '\\', '&', '🦉', "'"]) {
      const long = character.repeat(200)
      const source = await table(rowsOf(60, (i) => `${i}${long},${-i / 3e-300}\n`))
      const output = await run({ source, groupBy: 'group', measure: 'value', aggregate: 'sum' })
      expect(output.groups).toBe(60)
      expect(Buffer.byteLength(JSON.stringify(output)), JSON.stringify(character)).toBeLessThan(LIMITS.outputBytes)
    }
  })

  it('lists the columns of the table if one is not there', async () => {
    const source = await table('town,"Cost Total $"\nUlm,1\n')
    const running = run({ source, groupBy: 'town', measure: 'Cost Total', aggregate: 'sum' })
    await expect(running).rejects.toEqual(refusal('unknown_column'))
    await expect(running).rejects.toThrow('it has "town", "Cost Total $"')
  })

  it('refuses a table without a header', async () => {
    for (const content of ['', '\n\n', '\uFEFF']) {
      const running = run({ source: await table(content), groupBy: 'a', aggregate: 'count' })
      await expect(running).rejects.toEqual(refusal('invalid_csv'))
    }
  })

  it('makes nothing of a table with a header alone', async () => {
    const output = await run({ source: await table('a,b\n'), groupBy: 'a', aggregate: 'count' })
    expect(output).toMatchObject({ rows: [], groups: 0, read: 0, skipped: 0 })
  })

  it('refuses a quote that is never closed, before it has read all', async () => {
    const source = await table(rowsOf(40, (i) => `${i === 0 ? '"' : ''}${'x'.repeat(100_000)},1\n`))
    const { ctx, progress } = testContext()
    const running = run({ source, groupBy: 'group', aggregate: 'count' }, { ctx })
    await expect(running).rejects.toEqual(refusal('invalid_csv'))
    await expect(running).rejects.toThrow('Max Record Size')
    expect(progress).toEqual([])
  })

  it('refuses a table with more than 100 000 groups', async () => {
    const source = await table(rowsOf(100_001, (i) => `g${i},1\n`))
    const running = run({ source, groupBy: 'group', aggregate: 'count' })
    await expect(running).rejects.toEqual(refusal('too_many_groups'))
    await expect(running).rejects.toThrow('"group" to have at most 100000 different values')
  })

  it('reports rows and bytes every 50 000 rows and at the end', async () => {
    const source = await table(rowsOf(120_000, () => 'g,1\n'))
    const { ctx, progress } = testContext()
    await run({ source, groupBy: 'group', aggregate: 'count' }, { ctx })
    const totalBytes = 12 + 4 * 120_000
    expect(progress).toEqual([
      { rows: 50_000, bytes: expect.any(Number), totalBytes },
      { rows: 100_000, bytes: expect.any(Number), totalBytes },
      { rows: 120_000, bytes: totalBytes, totalBytes },
    ])
  })

  it('stops with the reason of its signal in the middle of a table', async () => {
    const source = await table(rowsOf(200_000, () => 'g,1\n'))
    const stop = new AbortController()
    const reason = new Error('cancelled')
    const { ctx, progress } = testContext({ signal: stop.signal, onProgress: () => stop.abort(reason) })
    await expect(run({ source, groupBy: 'group', aggregate: 'count' }, { ctx })).rejects.toBe(reason)
    expect(progress).toHaveLength(1)
  })

  it('keeps the groups and not the rows: a table far larger than the memory it may have', async () => {
    const note = 'x'.repeat(600)
    const source = await table(rowsOf(200_000, (i) => `g${i % 7},${i},${note}${i}\n`, 'group,value,note'))
    const child = await runInSmallHeap({ source, groupBy: 'group', measure: 'value', aggregate: 'sum' })
    expect(child).toEqual({ groups: 7, read: 200_000, skipped: 0 })
  })
})

describe('csv.summarize of a URL', () => {
  it('reads a table that is behind a redirect', async () => {
    const server = await startTestServer((request, response) => {
      if (request.url === '/table') response.end('a,b\nx,1\nx,2\n')
      else response.writeHead(302, { location: '/table' }).end()
    })
    const output = await run({ source: server.origin, groupBy: 'a', measure: 'b', aggregate: 'sum' })
    expect(output.rows).toEqual([{ group: 'x', value: 3, count: 2 }])
  })

  it('refuses the loopback unless it is allowed, and sends nothing there', async () => {
    const server = await startTestServer((_, response) => response.end('a\n'))
    const running = run({ source: server.origin, groupBy: 'a', aggregate: 'count' }, { allow: '' })
    await expect(running).rejects.toEqual(refusal('forbidden_target'))
    expect(server.arrivals).toEqual([])
  })

  it.each(['file:///etc/passwd', 'ftp://example.com/a.csv'])('refuses %s', async (source) => {
    await expect(run({ source, groupBy: 'a', aggregate: 'count' })).rejects.toEqual(refusal('forbidden_target'))
  })

  it('refuses what is neither a path nor a URL', async () => {
    const running = run({ source: 'http://', groupBy: 'a', aggregate: 'count' })
    await expect(running).rejects.toThrow('expected a path or a URL, got "http://"')
    await expect(running).rejects.toEqual(refusal('invalid_input'))
  })

  it('refuses an answer that is no table, and waits for a server that asks it to', async () => {
    const server = await startTestServer((request, response) => {
      response.writeHead(Number(request.url?.slice(1)), { 'retry-after': '5' }).end('a\n')
    })
    const ask = (status: number) => run({ source: `${server.origin}/${status}`, groupBy: 'a', aggregate: 'count' })
    await expect(ask(404)).rejects.toEqual(refusal('no_table'))
    await expect(ask(503)).rejects.toEqual(expect.objectContaining({ kind: 'http_503', retryAfterMs: 5000 }))
    await expect(ask(500)).rejects.toEqual(expect.objectContaining({ kind: 'http_5xx', retryable: true }))
  })

  it('takes a table that ends too early for a network error', async () => {
    const server = await startTestServer((_, response) => {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('a\nx\n', () => response.destroy())
    })
    await expect(run({ source: server.origin, groupBy: 'a', aggregate: 'count' })).rejects.toEqual(
      expect.objectContaining({ kind: 'network', retryable: true }),
    )
  })

  it.each([
    [200, 'unknown_column'],
    [404, 'no_table'],
  ])('closes the connection as soon as it has no use for the rest: status %i', async (status, kind) => {
    const closed = Promise.withResolvers<void>()
    const server = await startTestServer((_, response) => {
      response.on('close', closed.resolve).writeHead(status).write('a,b\nx,1\n')
    })
    const running = run({ source: server.origin, groupBy: 'c', aggregate: 'count' })
    await expect(running).rejects.toEqual(refusal(kind))
    await closed.promise
  })

  it('stops waiting for a slow server with the reason of its signal', async () => {
    const stop = new AbortController()
    const arrived = Promise.withResolvers<void>()
    const server = await startTestServer((_, response) => {
      response.write('a,b\nx,1\n')
      arrived.resolve()
    })
    const { ctx } = testContext({ signal: stop.signal })
    const running = run({ source: server.origin, groupBy: 'a', aggregate: 'count' }, { ctx })
    await arrived.promise
    const reason = new Error('cancelled')
    stop.abort(reason)
    await expect(running).rejects.toBe(reason)
  })
})

/** Runs the job in a process of its own whose old objects may take 32 MB. */
async function runInSmallHeap(input: Input): Promise<unknown> {
  const handlersFile = new URL('../handlers.ts', import.meta.url)
  const code = `
    const { makeHandlers } = await import(${JSON.stringify(handlersFile)})
    const handlers = makeHandlers({ httpAllow: new Set(), filesDir: ${JSON.stringify(filesDir)} })
    const ctx = { signal: new AbortController().signal, progress: async () => {} }
    const { groups, read, skipped } = await handlers['csv.summarize'](${JSON.stringify(input)}, ctx)
    process.stdout.write(JSON.stringify({ groups, read, skipped }))`
  const flags = ['--max-old-space-size=32', '--conditions=source', '--input-type=module', '--eval', code]
  const child = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'], cwd: import.meta.dirname })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  const [exitCode] = await once(child, 'close')
  if (exitCode !== 0) throw new Error(`expected the process to succeed, it exited with ${exitCode}`)
  return JSON.parse(output)
}
