import { Agent, request } from 'node:http'

export interface PostOptions {
  /** For the header `Authorization`. */
  key: string
  connections: number
  /** The status that every answer has to have. */
  expect: number
}

/**
 * A function that POSTs a JSON text and throws the answer away, since who measures an api must not spend the machine on
 * reading.
 *
 * @throws Error, from that function, if the answer has another status than expected.
 */
export function keepAlivePost(url: string, options: PostOptions): (json: string | Buffer) => Promise<void> {
  const { key, connections, expect } = options
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  return (json) =>
    new Promise((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(json),
      }
      const sent = request(url, { method: 'POST', agent, headers }, (response) => {
        if (response.statusCode === expect) response.resume()
        else response.setEncoding('utf8').on('data', (text) => console.error(`${response.statusCode}: ${text}`))
        response.once('error', reject)
        response.once('end', () => {
          if (response.statusCode === expect) resolve()
          else reject(new Error(`expected ${url} to answer ${expect}, got ${response.statusCode}`))
        })
      })
      sent.once('error', reject).end(json)
    })
}
