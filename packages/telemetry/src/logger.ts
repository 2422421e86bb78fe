import { hostname } from 'node:os'
import { trace } from '@opentelemetry/api'
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino'
import type { LogLevel } from './env.ts'

export type { Logger } from 'pino'

export interface LoggerOptions {
  /** `api`, `worker`… */
  app: string
  level: LogLevel
  /** Paths whose values are replaced by `[redacted]`, such as `headers.authorization`. Default none. */
  redact?: readonly string[]
}

/**
 * A logger that writes JSON lines to stdout: `level` as a word, `time` as RFC 3339, `app`, `pid`, `host`, `msg`, then
 * whatever the line has of its own. Within a span a line carries its `traceId` and `spanId`.
 */
export function createLogger({ app, level, redact = [] }: LoggerOptions): Logger {
  return pino(
    {
      level,
      base: { app, pid: process.pid, host: hostname() },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin: activeTrace,
      redact: { paths: [...redact], censor: '[redacted]' },
    },
    stdout(),
  )
}

/** Pino's own stream tries for ever, at the exit of the process, to write to a stdout that nobody reads any more. */
function stdout(): DestinationStream {
  // Whoever read the lines is gone: there is nobody left to tell.
  if (process.stdout.listenerCount('error') === 0) process.stdout.on('error', () => {})
  return { write: (line) => void process.stdout.write(line) }
}

/**
 * What a child logger should carry of a job's trace: its `traceId`, unless a span is active, whose ids then stand in
 * each line anyway.
 */
export function traceBindings(traceId: string): { traceId?: string } {
  return trace.getActiveSpan() ? {} : { traceId }
}

function activeTrace(): object {
  const span = trace.getActiveSpan()
  if (!span) return {}
  const { traceId, spanId } = span.spanContext()
  return { traceId, spanId }
}
