import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type ApiKeys, isLoopback } from '@foliot/access'
import type { Metrics } from '@foliot/telemetry'
import type { Service } from './service.ts'

export interface HealthOptions {
  host: string
  /** 0: any that is free. */
  port: number
  /** Who may read the metrics on an address that others can reach. */
  keys: ApiKeys
  metrics: Metrics
  /** False once the process cannot recover by itself. */
  isAlive: () => boolean
  /** Whether it can do its work right now. */
  isReady: () => boolean
}

/** Answers `/healthz`, `/readyz` and `/metrics`. That it answers shows that the event loop turns. */
export class HealthServer implements Service {
  readonly name = 'health server'
  readonly #options: HealthOptions
  readonly #server: Server

  constructor(options: HealthOptions) {
    this.#options = options
    this.#server = createServer((request, response) => void this.#answer(request, response))
  }

  get url(): string {
    const { port, address, family } = this.#server.address() as AddressInfo
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
  }

  async start(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#server.once('error', reject).listen(this.#options.port, this.#options.host, resolve)
    await promise
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#server.close(() => resolve())
    this.#server.closeAllConnections()
    await promise
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { isAlive, isReady, metrics } = this.#options
    const path = request.url?.split('?')[0]
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, 'method not allowed')
    if (path === '/healthz') return isAlive() ? send(response, 200, 'ok') : send(response, 503, 'not alive')
    if (path === '/readyz') return isReady() ? send(response, 200, 'ready') : send(response, 503, 'not ready')
    if (path !== '/metrics') return send(response, 404, 'not found')
    if (!this.#mayReadMetrics(request)) return send(response, 401, 'a key is needed: Authorization: Bearer <key>')
    response.setHeader('content-type', metrics.contentType)
    response.end(await metrics.text())
  }

  #mayReadMetrics(request: IncomingMessage): boolean {
    const { host, keys } = this.#options
    if (keys.size === 0) return isLoopback(host)
    return keys.fromHeader(request.headers.authorization)?.scopes.has('read') === true
  }
}

function send(response: ServerResponse, code: number, status: string): void {
  response.statusCode = code
  response.setHeader('content-type', 'application/json')
  response.end(`${JSON.stringify({ status })}\n`)
}
