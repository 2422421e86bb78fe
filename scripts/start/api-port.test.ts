import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { freePort } from '@foliot/local-services'
import { afterAll, describe, expect, it } from 'vitest'
import { chooseApiPort, DEFAULT_API_PORT } from './api-port.ts'

const HOST = '127.0.0.1'
const closers: (() => void)[] = []
afterAll(() => closers.forEach((close) => void close()))

async function take(port: number): Promise<number> {
  const server = createServer().listen(port, HOST)
  await once(server, 'listening')
  closers.push(() => server.close())
  return (server.address() as AddressInfo).port
}

describe('chooseApiPort', () => {
  it('takes the port that was asked for', async () => {
    const port = await freePort()
    expect(await chooseApiPort(HOST, port)).toBe(port)
  })

  it('refuses a port that was asked for and is taken, and names it', async () => {
    const port = await take(0)
    await expect(chooseApiPort(HOST, port)).rejects.toThrow(`Port ${port} of 127.0.0.1, asked for by FOLIOT_API_PORT`)
  })

  it('moves from the default to the next that is free', async () => {
    const first = await chooseApiPort(HOST, undefined)
    expect(first).toBeGreaterThanOrEqual(DEFAULT_API_PORT)
    await take(first)
    expect(await chooseApiPort(HOST, undefined)).toBeGreaterThan(first)
  })

  it('says so when the address is not one of this machine', async () => {
    await expect(chooseApiPort('192.0.2.1', 1234)).rejects.toThrow(
      /cannot listen on port 1234 of 192.0.2.1.*EADDRNOTAVAIL/,
    )
  })
})
