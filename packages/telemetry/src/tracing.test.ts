import { execFile } from 'node:child_process'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { getCompileCacheDir } from 'node:module'
import type { AddressInfo } from 'node:net'
import { dirname } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const folder = fileURLToPath(new URL('.', import.meta.url))
const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'

/** The SDK is large: most of what a test takes would be compiling it. */
const compiled = getCompileCacheDir()
const CACHE = compiled === undefined ? {} : { NODE_COMPILE_CACHE: dirname(compiled) }

interface SentSpan {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  attributes: { key: string; value: { stringValue?: string; intValue?: number } }[]
  links: { traceId: string; spanId: string }[]
  events: { name: string; attributes: { key: string; value: { stringValue?: string } }[] }[]
  status: { code?: number; message?: string }
}

/** A collector that takes spans as OpenTelemetry sends them, and keeps them. */
const received: { path: string | undefined; body: string }[] = []
const collector: Server = createServer(async (request: IncomingMessage, response) => {
  received.push({ path: request.url, body: await text(request) })
  response.setHeader('content-type', 'application/json').end('{}')
})
let endpoint: string

/** Runs code in a process with tracing on, or off, and gives what it wrote and what the collector got. */
async function run(code: string, env: Record<string, string>) {
  received.length = 0
  const main = `
    import { context, propagation, trace } from '@opentelemetry/api'
    import { createLogger, failActiveSpan, startTracing, traceBindings, withJobSpan } from './index.ts'
    const log = createLogger({ app: 'worker', level: 'info' })
    const tracing = await startTracing({ app: 'worker', on: ${env.ON ?? true}, propagatorsFromEnv: ${'OTEL_PROPAGATORS' in env}, log })
    const job = { jobId: 'j1', type: 'mail.send', queue: 'email', attempt: 2, waitedMs: 10 }
    const origin = '00-${TRACE}-${SPAN}-01'
    ${code}
    await tracing.shutdown()
    await tracing.shutdown()
    process.exit()`
  const flags = ['--conditions=source', '--input-type=module-typescript', '--eval', main]
  const result = await new Promise<{ stdout: string; stderr: string }>((resolve, reject) => {
    execFile(process.execPath, flags, { cwd: folder, env: { ...CACHE, ...env } }, (error, stdout, stderr) =>
      error ? reject(new Error(stderr, { cause: error })) : resolve({ stdout, stderr }),
    )
  })
  const spans = received.flatMap(({ body }) => spansOf(JSON.parse(body)))
  return { ...result, spans, lines: result.stdout.split('\n').filter((line) => line !== '') }
}

interface Sent {
  resourceSpans: { scopeSpans: { spans: SentSpan[] }[] }[]
}
const spansOf = (sent: Sent): SentSpan[] =>
  sent.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))

const collectorEnv = () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' })

beforeAll(async () => {
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
  endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
})

afterAll(() => new Promise<unknown>((resolve) => collector.close(resolve)))

describe('with tracing on', () => {
  it('runs an attempt as a consumer within the trace of its job', async () => {
    const { spans, lines } = await run(
      `console.log(await withJobSpan(origin, job, async () => { log.info('within'); return 'output' }))`,
      collectorEnv(),
    )
    expect(received.map(({ path }) => path)).toEqual(['/v1/traces'])
    expect(received[0]?.body).toContain('{"key":"service.name","value":{"stringValue":"foliot-worker"}}')
    expect(spans).toMatchObject([
      { name: 'process email', kind: 5, traceId: TRACE, parentSpanId: SPAN, links: [], status: { code: 0 } },
    ])
    expect(spans[0]?.attributes).toEqual([
      { key: 'messaging.system', value: { stringValue: 'foliot' } },
      { key: 'messaging.operation.name', value: { stringValue: 'process' } },
      { key: 'messaging.operation.type', value: { stringValue: 'process' } },
      { key: 'messaging.destination.name', value: { stringValue: 'email' } },
      { key: 'messaging.message.id', value: { stringValue: 'j1' } },
      { key: 'foliot.job.type', value: { stringValue: 'mail.send' } },
      { key: 'foliot.job.attempt', value: { intValue: 2 } },
    ])
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ msg: 'within', traceId: TRACE, spanId: spans[0]?.spanId })
    expect(lines[1]).toBe('output')
  })

  it('links a job that waited long instead of holding its trace open', async () => {
    const { spans } = await run(
      `await withJobSpan(origin, { ...job, waitedMs: 300_000 }, async () => {})
       await withJobSpan(origin, { ...job, waitedMs: 300_001 }, async () => {})`,
      collectorEnv(),
    )
    expect(spans).toMatchObject([
      { traceId: TRACE, parentSpanId: SPAN, links: [] },
      { links: [{ traceId: TRACE, spanId: SPAN }] },
    ])
    expect(spans[1]?.traceId).not.toBe(TRACE)
    expect(spans[1]?.parentSpanId).toBeUndefined()
  })

  it('records what is thrown and throws it on', async () => {
    const { spans, lines } = await run(
      `for (const thrown of [new RangeError('too far'), 'full moon'])
         await withJobSpan(origin, job, () => Promise.reject(thrown)).catch((error) => console.log(String(error)))`,
      collectorEnv(),
    )
    expect(lines).toEqual(['RangeError: too far', 'full moon'])
    expect(spans).toMatchObject([
      { status: { code: 2, message: 'too far' }, events: [{ name: 'exception' }] },
      { status: { code: 2 }, events: [{ name: 'exception' }] },
    ])
    expect(spans[0]?.events[0]?.attributes).toContainEqual({
      key: 'exception.message',
      value: { stringValue: 'too far' },
    })
    expect(spans[0]?.attributes).toContainEqual({ key: 'error.type', value: { stringValue: 'RangeError' } })
  })

  it('records a failure that was handled within', async () => {
    const { spans } = await run(
      `await withJobSpan(origin, job, async () => failActiveSpan({ name: 'NonError', message: 'undefined was thrown' }))`,
      collectorEnv(),
    )
    expect(spans).toMatchObject([{ status: { code: 2, message: 'undefined was thrown' } }])
  })

  it('starts a trace of its own for a job without a readable one, and sends none that is not sampled', async () => {
    const { spans } = await run(
      `await withJobSpan('', job, async () => {})
       await withJobSpan('00-${TRACE}-${SPAN}-00', job, async () => {})`,
      collectorEnv(),
    )
    expect(spans).toHaveLength(1)
    expect(spans[0]?.parentSpanId).toBeUndefined()
  })

  it('names the trace once in a line of a child logger', async () => {
    const { lines } = await run(
      `await withJobSpan(origin, job, async () => log.child(traceBindings('another')).info('within'))`,
      collectorEnv(),
    )
    expect(lines[0]?.match(/traceId/g)).toHaveLength(1)
  })

  it.each([
    ['W3C and B3 headers', {}, ['b3', 'traceparent']],
    ['the headers that OTEL_PROPAGATORS names', { OTEL_PROPAGATORS: 'tracecontext' }, ['traceparent']],
  ])('hands the trace on in %s', async (_, env, names) => {
    const { lines } = await run(
      `await withJobSpan(origin, job, async () => {
         const headers: Record<string, string> = {}
         propagation.inject(context.active(), headers)
         console.log(Object.keys(headers).sort().join(), headers.traceparent?.includes('${TRACE}'))
       })`,
      { ...collectorEnv(), ...env },
    )
    expect(lines).toEqual([`${names.join()} true`])
  })

  it('says in the log when spans cannot be sent, and ends all the same', async () => {
    const { lines } = await run('await withJobSpan(origin, job, async () => {})', {
      ...collectorEnv(),
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
    })
    expect(lines.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ level: 'warn', msg: 'tracing: the last spans could not be sent' }),
    )
  })
})

describe('with tracing off', () => {
  it('runs the same code and sends nothing', async () => {
    const { lines } = await run(
      `console.log(await withJobSpan(origin, job, async () => { failActiveSpan({ name: 'E', message: '' }); return 'output' }))
       console.log(await withJobSpan(origin, job, () => Promise.reject(new Error('on'))).catch((error) => error.message))
       console.log(trace.getActiveSpan())`,
      { ...collectorEnv(), ON: 'false' },
    )
    expect(lines).toEqual(['output', 'on', 'undefined'])
    expect(received).toEqual([])
  })
})
