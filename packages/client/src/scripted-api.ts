/**
 * A real HTTP server that plays given answers in turn, for the tests of this package. It speaks the contract's words
 * (jobs, problems, headers) but knows none of its rules.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { ErrorCode, Job, JobStatus, Problem } from '@foliot/jobs'

export interface SeenRequest {
  method: string
  path: string
  headers: IncomingMessage['headers']
  /** Parsed JSON; undefined without a body. */
  body: unknown
}

/** Answers one request, by `response` or not at all. */
export type Scene = (request: SeenRequest, response: ServerResponse) => void

export interface ScriptedApi extends AsyncDisposable {
  readonly url: string
  readonly seen: readonly SeenRequest[]
}

/** A request beyond the script is answered 418, which no client retries. */
export async function scriptedApi(...script: Scene[]): Promise<ScriptedApi> {
  const seen: SeenRequest[] = []
  const server = createServer(async (incoming, response) => {
    const sent = await text(incoming)
    const request: SeenRequest = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      headers: incoming.headers,
      body: sent ? JSON.parse(sent) : undefined,
    }
    seen.push(request)
    const scene = script[seen.length - 1] ?? answer(418, 'the script is over')
    scene(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Answers with a status, a body as JSON and headers. */
export const answer =
  (status: number, body: unknown, headers: Record<string, string> = {}): Scene =>
  (_, response) => {
    const type = status < 400 ? 'application/json' : 'application/problem+json'
    response.writeHead(status, { 'content-type': type, ...headers }).end(JSON.stringify(body))
  }

/** Answers with a problem, and with `Retry-After` if given. */
export const refuse = (code: ErrorCode, status: number, retryAfter?: string): Scene =>
  answer(status, problem(code, status), retryAfter === undefined ? {} : { 'retry-after': retryAfter })

/** Breaks the connection without an answer. */
export const hangUp: Scene = (_, response) => void response.socket?.destroy()

/** Breaks the connection in the middle of an answer. */
export const hangUpHalfway: Scene = (_, response) => {
  response.writeHead(202, { 'content-type': 'application/json', 'content-length': '1000' })
  response.write('{"id":', () => response.socket?.destroy())
}

/** Never answers. */
export const silence: Scene = () => {}

export const problem = (code: ErrorCode, status: number, more: Partial<Problem> = {}): Problem => ({
  type: `https://foliot.dev/errors/${code}`,
  title: 'A title',
  status,
  code,
  detail: 'what was expected and what came',
  ...more,
})

export const JOB_ID = '01970000-0000-7000-8000-000000000001'

export const job = (status: JobStatus, more: Partial<Job> = {}): Job => ({
  id: JOB_ID,
  type: 'demo.echo',
  version: 1,
  queue: 'demo',
  status,
  attempt: 0,
  attemptsUsed: 0,
  maxAttempts: 3,
  priority: 0,
  progress: null,
  input: null,
  output: null,
  error: null,
  labels: {},
  tenant: 'default',
  traceId: '0af7651916cd43dd8448eb211c80319c',
  createdAt: '2026-01-01T00:00:00.000Z',
  timeline: [],
  ...more,
})
