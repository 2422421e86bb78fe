/**
 * Which member has which slot: the one whose hash with the slot is the greatest (rendezvous hashing, Thaler and Ravishankar 1998).
 * When a member comes or goes, only slots that it gets or had change hands. All who know the same members agree.
 *
 * @returns for each slot its member; none without members
 */
export function shareSlots(slots: number, members: readonly string[]): string[] {
  if (members.length === 0) return []
  const seeds = members.map(fnv1a)
  return Array.from({ length: slots }, (_, slot) => {
    let best = 0
    for (let i = 1; i < members.length; i += 1) if (isGreater(i, best, slot)) best = i
    return members[best] as string
  })

  function isGreater(i: number, j: number, slot: number): boolean {
    const [a, b] = [mix(seeds[i] as number, slot), mix(seeds[j] as number, slot)]
    return a > b || (a === b && (members[i] as string) > (members[j] as string))
  }
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** The finalizer of MurmurHash3, which spreads a difference of one bit over all. */
function mix(seed: number, slot: number): number {
  let mixed = seed ^ Math.imul(slot + 1, 0x9e3779b1)
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
