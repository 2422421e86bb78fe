/** What is to be looked at, by the second from which on. An instant in ms. */
export class Agenda<Item extends { lookAt: number }> {
  readonly #bySecond = new Map<number, Item[]>()
  /** All seconds before this one were taken; what is put into the past is put here. */
  #reached = 0

  /** Puts it where its `lookAt` says; never is `Infinity`. One that is put twice is given twice. */
  put(item: Item): void {
    if (item.lookAt === Number.POSITIVE_INFINITY) return
    const second = Math.max(Math.ceil(item.lookAt / 1000), this.#reached)
    const others = this.#bySecond.get(second)
    if (others) others.push(item)
    else this.#bySecond.set(second, [item])
  }

  /** Takes out up to `most` of what is due, the oldest first. */
  take(now: number, most: number): Item[] {
    const until = Math.floor(now / 1000)
    const taken: Item[] = []
    for (const second of this.#dueBy(until)) {
      const items = this.#bySecond.get(second) as Item[]
      taken.push(...items.splice(0, most - taken.length))
      if (items.length > 0) return taken
      this.#bySecond.delete(second)
      this.#reached = Math.max(this.#reached, second)
    }
    this.#reached = Math.max(this.#reached, until)
    return taken
  }

  clear(): void {
    this.#bySecond.clear()
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
