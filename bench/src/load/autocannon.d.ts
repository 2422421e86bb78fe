/** What is used of autocannon, which brings no types. */
declare module 'autocannon' {
  import type { EventEmitter } from 'node:events'

  interface Options {
    url: string
    method: 'POST'
    headers: Record<string, string>
    body: string
    connections: number
    /** Requests in all, spread evenly over the connections. */
    amount: number
    /** ms. How often it looks whether it is done. */
    sampleInt: number
  }

  interface Result {
    /** Connections that broke, and requests that got no answer in time. */
    errors: number
    '2xx': number
  }

  interface Run extends EventEmitter<{ response: [client: unknown, status: number, bytes: number, ms: number] }> {}

  export default function autocannon(options: Options, done: (error: Error | null, result: Result) => void): Run
}
