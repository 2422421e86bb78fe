import type { Plan } from './plan.ts'

const BUCKET_MS = 100
/** How many are taken from one end before the other end has its turn. */
const TURN = 50

/**
 * Plans whose time has come. What is due now and what is late take turns: neither waits for all of the other, however much there
 * is of it.
 */
export class ReadyPlans {
  readonly #buckets = new Map<number, Plan[]>()
  #size = 0

  get size(): number {
    return this.#size
  }

  add(plan: Plan): void {
    const key = Math.floor(plan.dueAt / BUCKET_MS)
    const bucket = this.#buckets.get(key)
    if (bucket) bucket.push(plan)
    else this.#buckets.set(key, [plan])
    this.#size += 1
  }

  take(count: number): Plan[] {
    const taken: Plan[] = []
    for (let newest = true; taken.length < count && this.#size > 0; newest = !newest) {
      const key = this.#end(newest)
      const bucket = this.#buckets.get(key) as Plan[]
      const some = bucket.splice(Math.max(0, bucket.length - Math.min(TURN, count - taken.length)))
      if (bucket.length === 0) this.#buckets.delete(key)
      this.#size -= some.length
      taken.push(...some)
    }
    return taken
  }

  clear(): void {
    this.#buckets.clear()
    this.#size = 0
  }

  #end(newest: boolean): number {
    let found: number | undefined
    for (const key of this.#buckets.keys()) if (found === undefined || key > found === newest) found = key
    return found as number
  }
}
