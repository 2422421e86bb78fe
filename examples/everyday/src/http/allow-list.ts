import { isIPv6 } from 'node:net'

/** Hosts as a URL writes them (`example.com`, `[::1]`), each alone or with a port (`example.com:8080`). */
export type AllowList = ReadonlySet<string>

const ENTRY = /^(\[[\da-f:.]+\]|[^\s:/?#@[\]\\*]+)(?::(\d{1,5}))?$/i

/** Reads hosts between commas. A host without a port stands for all of its ports. */
export function parseAllowList(text: string): { allow: AllowList; unreadable: string[] } {
  const allow = new Set<string>()
  const unreadable: string[] = []
  for (const entry of text.split(',').map((word) => word.trim())) {
    if (entry === '') continue
    const host = parseEntry(isIPv6(entry) ? `[${entry}]` : entry)
    if (host) allow.add(host)
    else unreadable.push(entry)
  }
  return { allow, unreadable }
}

/** Whether the host of a URL, or that host with the URL's port, is in the list. */
export function isAllowed(allow: AllowList, url: URL): boolean {
  return allow.has(url.hostname) || allow.has(`${url.hostname}:${portOf(url)}`)
}

function parseEntry(entry: string): string | undefined {
  const [, host, port] = ENTRY.exec(entry) ?? []
  // The URL parser writes a host in one way only: lower case, punycode, shortened addresses.
  const hostname = URL.parse(`http://${host}`)?.hostname
  if (!host || !hostname) return undefined
  if (port === undefined) return hostname
  return Number(port) >= 1 && Number(port) <= 65_535 ? `${hostname}:${Number(port)}` : undefined
}

const portOf = (url: URL): string => url.port || (url.protocol === 'https:' ? '443' : '80')
