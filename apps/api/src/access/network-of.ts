import { isIPv6 } from 'node:net'

/**
 * What one caller can choose of an address by itself left out: of IPv6 the first 64 bits, since a whole network of them is
 * given to one household or server.
 */
export function networkOf(address: string): string {
  const plain = address.split('%', 1)[0] as string
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1]
  if (mapped !== undefined) return mapped
  if (!isIPv6(plain)) return plain
  const [head = '', tail] = plain.split('::') as [string, string?]
  const groups = head === '' ? [] : head.split(':')
  const behind = tail === undefined || tail === '' ? [] : tail.split(':')
  const missing = tail === undefined ? 0 : Math.max(8 - groups.length - behind.length, 0)
  const all = [...groups, ...Array<string>(missing).fill('0'), ...behind]
  const network = all.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16))
  return `${network.join(':')}::/64`
}
