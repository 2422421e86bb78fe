import type { LookupAddress } from 'node:dns'
import { lookup as lookupByTheSystem } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { UnrecoverableError } from '@foliot/jobs'
import { isPublicAddress } from './address.ts'
import { type AllowList, isAllowed } from './allow-list.ts'

/** Finds all addresses of a host name. */
export type Resolve = (hostname: string) => Promise<LookupAddress[]>

/**
 * Lets a URL pass and gives the lookup to connect with, so that the address that was checked is the address that is
 * connected to. Each redirect goes through it again.
 *
 * @throws UnrecoverableError of kind `forbidden_target`, at once or out of the lookup.
 */
export type Gate = (url: URL) => LookupFunction

/** A gate to the public internet and to the hosts in `allow`. */
export function makeGate(allow: AllowList, resolve: Resolve = resolveByTheSystem): Gate {
  return (url) => {
    if (url.protocol !== 'http:' && url.protocol !== 'https:') {
      throw forbidden(`expected an http or https URL, got one that starts with "${url.protocol}"`)
    }
    if (url.username !== '' || url.password !== '') {
      throw forbidden(`expected a URL without user and password for ${url.host}; send an Authorization header instead`)
    }
    const allowed = isAllowed(allow, url)
    const literal = url.hostname.replace(/^\[|\]$/g, '')
    // An address needs no lookup, so none would be asked.
    if (isIP(literal) !== 0 && !allowed) assertPublic(url, literal)
    return makeLookup(async (hostname) => {
      const addresses = await resolve(hostname)
      // One address that is not public condemns the name: which of several gets connected to is not ours to say.
      if (!allowed) for (const { address } of addresses) assertPublic(url, address)
      return addresses
    })
  }
}

function assertPublic(url: URL, address: string): void {
  if (isPublicAddress(address)) return
  const shown = url.hostname.includes(address) ? url.hostname : `${url.hostname} (${address})`
  throw forbidden(`${shown} is no public address; to allow it, add ${url.host} to FOLIOT_HTTP_ALLOW`)
}

const forbidden = (message: string) => new UnrecoverableError(message, { kind: 'forbidden_target' })

const resolveByTheSystem: Resolve = (hostname) => lookupByTheSystem(hostname, { all: true })

/** Gives `resolve` the shape that `net.connect` calls. */
function makeLookup(resolve: Resolve): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const [first] = addresses
        if (!first) callback(new Error(`${hostname} has no address`), [])
        else if (options.all) callback(null, addresses)
        else callback(null, first.address, first.family)
      },
      (error) => callback(error, []),
    )
  }
}
