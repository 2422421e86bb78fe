import type { AddressInfo } from 'node:net'
import type { Service } from '@foliot/lifecycle'
import type { Api } from './api.ts'

/** The open port. */
export class Listener implements Service {
  readonly name = 'listener'
  readonly #app: Api
  readonly #host: string
  readonly #port: number

  constructor(app: Api, host: string, port: number) {
    this.#app = app
    this.#host = host
    this.#port = port
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

  async stop(): Promise<void> {
    await this.#app.close()
  }
}
