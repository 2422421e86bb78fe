import type { AddressInfo } from 'node:net'
import type { Service } from '@foliot/lifecycle'
import type { Api } from './api.ts'

interface ListenerOptions {
  host: string
  /** 0: any that is free. */
  port: number
  /** How long a stop may take, in milliseconds. */
  graceMs: number
}

const CLOSE_IDLE_EVERY_MS = 20

/** The open port. */
export class Listener implements Service {
  readonly name = 'listener'
  readonly #app: Api
  readonly #host: string
  readonly #port: number
  readonly #graceMs: number

  constructor(app: Api, { host, port, graceMs }: ListenerOptions) {
    this.#app = app
    this.#host = host
    this.#port = port
    this.#graceMs = graceMs
  }

  get url(): string {
    const { address, family, port } = this.#app.server.address() as AddressInfo
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
  }

  /** @throws Error saying which port is taken. */
  async start(): Promise<void> {
    try {
      await this.#app.listen({ host: this.#host, port: this.#port })
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause
      throw new Error(`port ${this.#port} on ${this.#host} is taken; choose another one with FOLIOT_API_PORT`, {
        cause,
      })
    }
  }

  /** Whoever is being served gets an answer; who does not take it within half of the grace is cut off. */
  async stop(): Promise<void> {
    const { server } = this.#app
    // A connection that falls idle only after the close began would otherwise be kept open for its next request.
    const idle = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_EVERY_MS)
    const slow = setTimeout(() => server.closeAllConnections(), this.#graceMs / 2)
    await this.#app.close()
    clearInterval(idle)
    clearTimeout(slow)
  }
}
