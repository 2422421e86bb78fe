import ipaddr from 'ipaddr.js'

const GLOBAL_UNICAST_V6 = ipaddr.parseCIDR('2000::/3')

/** Azure answers its virtual machines here (DHCP, DNS, agent): a public address that is never on the internet. */
const AZURE_PLATFORM = '168.63.129.16'

/**
 * Whether an address belongs to the public internet. What stands in no list counts as not public, and so do the IPv6
 * forms that carry an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo).
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address) || address === AZURE_PLATFORM) return false
  const parsed = ipaddr.parse(address)
  if (parsed.range() !== 'unicast') return false
  return parsed.kind() === 'ipv4' || parsed.match(GLOBAL_UNICAST_V6)
}
