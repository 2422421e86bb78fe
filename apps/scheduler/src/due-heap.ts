/** Something that is to be looked at when its time has come. */
export interface Due {
  /** In ms. Must not change while it is in a heap. */
  dueAt: number
}

/** A binary heap: the earliest first. */
export class DueHeap<T extends Due> {
  readonly #items: T[] = []

  get size(): number {
    return this.#items.length
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  /** Keeps those that fit. */
  retain(fits: (item: T) => boolean): void {
    // Sorted is a heap.
    const kept = this.#items.filter(fits).sort((a, b) => a.dueAt - b.dueAt)
    this.#items.length = 0
    for (const item of kept) this.#items.push(item)
  }

  push(item: T): void {
    const items = this.#items
    let i = items.push(item) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      const above = items[parent] as T
      if (above.dueAt <= item.dueAt) break
      items[i] = above
      i = parent
    }
    items[i] = item
  }

  pop(): T | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (last === undefined || items.length === 0) return first
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= items.length) break
      if (child + 1 < items.length && (items[child + 1] as T).dueAt < (items[child] as T).dueAt) child += 1
      const below = items[child] as T
      if (last.dueAt <= below.dueAt) break
      items[i] = below
      i = child
    }
    items[i] = last
    return first
  }
}
