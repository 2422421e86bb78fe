import {
  type Attributes,
  context,
  type Link,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { ATTRIBUTES, SCOPE } from './names.ts'
import { parseTraceparent } from './trace-context.ts'

/** What a span of a job tells. */
export interface JobSpan {
  jobId: string
  type: string
  queue: string
  attempt: number
  /** How long the job has waited since it was due, in milliseconds. */
  waitedMs: number
}

/** An error as a span keeps it. */
export interface SpanError {
  name: string
  message: string
  stack?: string
}

/** A job that waited longer starts a trace of its own with a link to where it came from: five minutes. */
const LINK_AFTER_MS = 5 * 60 * 1000

/**
 * Runs an attempt within a span of its own: a child of `traceparent`, or linked to it after a long wait. What `run`
 * throws is recorded and thrown on. Without tracing it only runs.
 */
export async function withJobSpan<T>(traceparent: string, job: JobSpan, run: () => Promise<T>): Promise<T> {
  const tracer = findTracer()
  if (!tracer) return run()
  const { parent, links } = placeInTrace(traceparent, job.waitedMs)
  const options = { kind: SpanKind.CONSUMER, attributes: describeJob(job), links }
  const span = tracer.startSpan(`process ${job.queue}`, options, parent)
  try {
    return await context.with(trace.setSpan(parent, span), run)
  } catch (error) {
    recordFailure(
      span,
      error instanceof Error ? error : { name: 'NonError', message: 'something else than an error was thrown' },
    )
    throw error
  } finally {
    span.end()
  }
}

/** Marks the active span as failed, for an error that is handled within it. Does nothing without tracing. */
export function failActiveSpan(error: SpanError): void {
  const span = trace.getActiveSpan()
  if (span) recordFailure(span, error)
}

function recordFailure(span: Span, error: SpanError): void {
  span.recordException(error)
  span.setAttribute(ATTRIBUTES.errorType, error.name)
  span.setStatus({ code: SpanStatusCode.ERROR, message: error.message })
}

/** The tracer, if an SDK was started, ours or another; undefined otherwise. */
function findTracer(): Tracer | undefined {
  const provider = trace.getTracerProvider()
  // Until an SDK is there, a provider of the API stands in for it and has nobody to delegate to.
  return provider instanceof ProxyTracerProvider ? provider.getDelegateTracer(SCOPE) : provider.getTracer(SCOPE)
}

function placeInTrace(traceparent: string, waitedMs: number) {
  const origin = parseTraceparent(traceparent)
  if (!origin) return { parent: ROOT_CONTEXT, links: [] as Link[] }
  const spanContext: SpanContext = {
    traceId: origin.traceId,
    spanId: origin.spanId,
    traceFlags: origin.flags,
    isRemote: true,
  }
  if (waitedMs > LINK_AFTER_MS) return { parent: ROOT_CONTEXT, links: [{ context: spanContext }] }
  return { parent: trace.setSpanContext(ROOT_CONTEXT, spanContext), links: [] as Link[] }
}

const describeJob = ({ jobId, type, queue, attempt }: JobSpan): Attributes => ({
  [ATTRIBUTES.messagingSystem]: SCOPE,
  [ATTRIBUTES.messagingOperationName]: 'process',
  [ATTRIBUTES.messagingOperationType]: 'process',
  [ATTRIBUTES.messagingDestination]: queue,
  [ATTRIBUTES.messagingMessageId]: jobId,
  [ATTRIBUTES.jobType]: type,
  [ATTRIBUTES.jobAttempt]: attempt,
})
