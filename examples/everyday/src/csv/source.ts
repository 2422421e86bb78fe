import type { Readable } from 'node:stream'
import { UnrecoverableError } from '@foliot/jobs'
import { type Answer, exchange } from '../http/exchange.ts'
import type { Gate } from '../http/gate.ts'
import { describeMessage, makeMessage } from '../http/message.ts'
import { statusError } from '../http/status-error.ts'
import { openFile } from './file.ts'

export interface SourceOptions {
  filesDir: string | undefined
  gate: Gate
  signal: AbortSignal
}

export interface Source {
  readonly bytes: Readable
  /** Undefined if nobody says. */
  readonly totalBytes: number | undefined
}

/**
 * Opens a path below `filesDir`, or an http(s) URL through the gate.
 *
 * @throws UnrecoverableError if it may not be read or is not there; JobError if another attempt may help.
 */
export async function openSource(source: string, { filesDir, gate, signal }: SourceOptions): Promise<Source> {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(source)) return openUrl(source, gate, signal)
  return openFile(filesDir, source)
}

async function openUrl(url: string, gate: Gate, signal: AbortSignal): Promise<Source> {
  if (!URL.canParse(url)) {
    throw new UnrecoverableError(`expected a path or a URL, got ${JSON.stringify(url)}`, { kind: 'invalid_input' })
  }
  const answer = await exchange(makeMessage({ url, headers: { accept: 'text/csv, */*;q=0.5' } }), { gate, signal })
  const error = statusError(answer) ?? (answer.status === 200 ? undefined : noTable(answer))
  if (error) {
    answer.body.destroy()
    throw error
  }
  const length = answer.headers['content-length']
  return { bytes: answer.body, totalBytes: length === undefined ? undefined : Number(length) }
}

const noTable = ({ message, status }: Answer) =>
  new UnrecoverableError(`${describeMessage(message)}: expected a table with status 200, got ${status}`, {
    kind: 'no_table',
  })
