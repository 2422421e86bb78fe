import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Effect, StepResult } from './tell-sink.ts'

/** What came of one key. */
export interface Heard {
  /** How often the effect was accepted. More than once is a mistake of the sink itself. */
  accepted: number
  /** How often it came again, and was refused. */
  refused: number
}

/**
 * The outside world: a server that handlers have their effects on, in the one process that is never killed. It accepts each
 * effect once, as every receiver does that has to stand a handler that runs twice.
 */
export interface Sink extends AsyncDisposable {
  /** No slash at the end. */
  readonly url: string
  /** By `<job id>:<step>`. */
  readonly effects: ReadonlyMap<string, Readonly<Heard>>
  /** By `<job id>:<step>`: the results that handlers were given for it, each once. There should be one. */
  readonly results: ReadonlyMap<string, ReadonlySet<string>>
}

/**
 * Takes `POST /effects` with an `Effect` and `POST /results` with a `StepResult`, as JSON.
 *
 * @param onJob told which job ran for which request, again and again.
 */
export async function startSink(onJob: (request: number, id: string) => void): Promise<Sink> {
  const effects = new Map<string, Heard>()
  const results = new Map<string, Set<string>>()

  const hearEffect = ({ key, jobId, request }: Effect): number => {
    onJob(request, jobId)
    const heard = effects.get(key) ?? { accepted: 0, refused: 0 }
    effects.set(key, heard)
    const isNew = heard.accepted === 0
    heard[isNew ? 'accepted' : 'refused']++
    return isNew ? 200 : 409
  }
  const hearResult = ({ key, result }: StepResult): number => {
    const given = results.get(key) ?? new Set()
    results.set(key, given.add(result))
    return 200
  }
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const told = JSON.parse(await text(request))
      response.statusCode = request.url === '/effects' ? hearEffect(told) : hearResult(told)
    } catch {
      // The caller was killed in the middle of it.
      response.statusCode = 400
    }
    response.end()
  }

  const server = createServer((request, response) => void answer(request, response))
  // A worker that was frozen goes on with the connection that it had.
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    effects,
    results,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
