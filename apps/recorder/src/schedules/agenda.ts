interface AgendaItem {
  /** An instant in ms; Infinity for never. */
  lookAt: number
  isGone: boolean
}

/** What is to be looked at, by the second from which on. */
export class Agenda<Item extends AgendaItem> {
  readonly #bySecond = new Map<number, Item[]>()
  #size = 0
  /** Of them, those that are gone. */
  #gone = 0
  /** All seconds before this one were taken; what is put into the past is put here. */
  #reached = 0

  /** How many it keeps. */
  get size(): number {
    return this.#size
  }

  /** Puts it where its `lookAt` says. One that is put twice is given twice. */
  put(item: Item): void {
    if (item.lookAt === Number.POSITIVE_INFINITY) return
    const second = Math.max(Math.ceil(item.lookAt / 1000), this.#reached)
    const others = this.#bySecond.get(second)
    if (others) others.push(item)
    else this.#bySecond.set(second, [item])
    this.#size += 1
  }

  /** It is nothing to look at any more. Those that are gone are kept until they are more than half, or due. */
  drop(item: Item): void {
    item.isGone = true
    if (item.lookAt === Number.POSITIVE_INFINITY) return
    this.#gone += 1
    if (this.#gone <= this.#size / 2) return
    this.#size = 0
    this.#gone = 0
    for (const [second, items] of this.#bySecond) {
      const kept = items.filter(({ isGone }) => !isGone)
      this.#size += kept.length
      if (kept.length > 0) this.#bySecond.set(second, kept)
      else this.#bySecond.delete(second)
    }
  }

  /** Takes out up to `most` of what is due, the oldest first; some of it may be gone. */
  take(now: number, most: number): Item[] {
    const until = Math.floor(now / 1000)
    const taken: Item[] = []
    for (const second of this.#dueBy(until)) {
      const items = this.#bySecond.get(second) as Item[]
      const part = items.splice(0, most - taken.length)
      this.#size -= part.length
      for (const item of part) {
        if (item.isGone) this.#gone -= 1
        taken.push(item)
      }
      if (items.length > 0) return taken
      this.#bySecond.delete(second)
      this.#reached = Math.max(this.#reached, second)
    }
    this.#reached = Math.max(this.#reached, until)
    return taken
  }

  clear(): void {
    this.#bySecond.clear()
    this.#size = 0
    this.#gone = 0
  }

  /** Seconds with something in them, ascending. After a while without a look there may be very many in between. */
  #dueBy(until: number): number[] {
    const gap = until - this.#reached
    if (gap < 0) return []
    if (gap < this.#bySecond.size)
      return Array.from({ length: gap + 1 }, (_, i) => this.#reached + i).filter((second) => this.#bySecond.has(second))
    return [...this.#bySecond.keys()].filter((second) => second <= until).sort((a, b) => a - b)
  }
}
