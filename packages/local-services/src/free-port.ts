import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/**
 * A TCP port that is free now. Another process may take it before the caller does, so whoever binds it has to be ready
 * to ask again.
 *
 * @param host where it has to be free. Default 127.0.0.1.
 */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  const server = createServer()
  server.listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
