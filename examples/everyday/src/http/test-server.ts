import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** A request as it arrived. */
export interface Arrival {
  method: string | undefined
  url: string | undefined
  headers: IncomingHttpHeaders
  body: string
}

export interface TestServer {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string
  readonly port: number
  /** `127.0.0.1:<port>` */
  readonly host: string
  readonly arrivals: Arrival[]
}

/** A real server on a free port of the loopback, gone when the test ends. `answer` runs after the body is read. */
export async function startTestServer(answer: RequestListener): Promise<TestServer> {
  const arrivals: Arrival[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    arrivals.push({ method: request.method, url: request.url, headers: request.headers, body })
    answer(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  const { port } = server.address() as AddressInfo
  return { origin: `http://127.0.0.1:${port}`, port, host: `127.0.0.1:${port}`, arrivals }
}
