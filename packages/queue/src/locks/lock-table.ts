import type { Lock } from './lock-scripts.ts'

/**
 * The locks that have to be renewed, in memory that threads share. A handler may block the main loop in the same turn in
 * which its attempt begins, so whoever renews must find the lock here without being told.
 *
 * One thread writes, others read. A row is free, being written, or held; its state counts on with each change. A reader
 * copies a row and looks again: only if the state is the same, and says that the row is held, was it copied whole. On a
 * machine that reorders memory accesses this may fail, very rarely and without harm: the script refuses a lock whose parts
 * do not fit, and what it answers is passed over if the state is another by then.
 */

/** A row begins with words of 32 bits; its text follows. */
const STATE = 0
const LENGTH = 1
const KILL_AT = 2
const GRACE = 3
const TEXT_AT = 16

/** The lowest two bits of a state. */
const HELD = 2
const STATE_BITS = 3

/** Enough for the longest name of a queue and an id of 100 characters. */
const ROW_BYTES = 256
const ROOM = ROW_BYTES - TEXT_AT
/** Of one block. */
const ROWS = 256

/** In steps, the time since the machine started fits into 32 bits for six years. */
const KILL_STEP_MS = 100

/** The longest grace that fits, 24 days. */
const GRACE_MAX_MS = 2 ** 31 - 1

/** Rows of the same size. */
export interface LockBlock {
  readonly buffer: SharedArrayBuffer
  readonly rowBytes: number
}

/** A lock with its place in the table. A row that was given to another lock has another state. */
export interface HeldLock extends Lock {
  readonly row: number
  readonly state: number
  /** By `monotonicMs`; Infinity if it was never limited. */
  readonly killAt: number
  /** What it has once it was asked to end; Infinity if it was never limited. */
  readonly graceMs: number
}

/** Milliseconds of a clock that is never set, and the same in all threads. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1000 + nanoseconds / 1e6
}

/** A block as a thread sees it. */
interface View {
  readonly words: Int32Array
  readonly bytes: Buffer
  readonly rowBytes: number
}

const viewOf = ({ buffer, rowBytes }: LockBlock): View => ({
  words: new Int32Array(buffer),
  bytes: Buffer.from(buffer),
  rowBytes,
})

/** A place for one lock, on the side that writes. */
export class LockRow<Holder> {
  /** Whose lock stands here. */
  holder: Holder | undefined
  readonly #view: View
  /** Where it begins, in bytes and in words. */
  readonly #at: number
  readonly #word: number
  #state = 0

  constructor(view: View, at: number) {
    this.#view = view
    this.#at = at
    this.#word = at / 4
  }

  /** Bytes of text that fit. */
  get room(): number {
    return this.#view.rowBytes - TEXT_AT
  }

  get state(): number {
    return this.#state
  }

  write(text: string, holder: Holder): void {
    const { words, bytes } = this.#view
    this.#set(this.#state + 1)
    words[this.#word + LENGTH] = bytes.write(text, this.#at + TEXT_AT, this.room)
    words[this.#word + KILL_AT] = 0
    this.holder = holder
    this.#set(this.#state + 1)
  }

  /**
   * If the main loop is blocked in `ms` from now, and the row still held, the process shall be killed; also earlier, once all
   * that have a limit were asked to end, each `graceMs` ago.
   */
  limit(ms: number, graceMs: number): void {
    this.#view.words[this.#word + GRACE] = Math.min(graceMs, GRACE_MAX_MS)
    Atomics.store(this.#view.words, this.#word + KILL_AT, Math.ceil((monotonicMs() + ms) / KILL_STEP_MS))
  }

  clear(): void {
    this.holder = undefined
    this.#set(this.#state + 2)
  }

  #set(state: number): void {
    this.#state = state | 0
    Atomics.store(this.#view.words, this.#word + STATE, this.#state)
  }
}

/** The side that writes. It grows as needed, and keeps what it has grown to. */
export class LockTable<Holder> {
  readonly blocks: LockBlock[] = []
  readonly #onGrow: (block: LockBlock) => void
  /** By number, as readers count them. */
  readonly #rows: LockRow<Holder>[] = []
  readonly #free: LockRow<Holder>[] = []
  /** Free rows of their own size, each made for a text that did not fit elsewhere. */
  readonly #wide: LockRow<Holder>[] = []

  /** @param onGrow told of each new block */
  constructor(onGrow: (block: LockBlock) => void) {
    this.#onGrow = onGrow
  }

  hold(holder: Holder, { queue, id, token, attempt, stalls }: Lock): LockRow<Holder> {
    // The id last: BullMQ puts no limit to what stands in it.
    const text = `${stalls}\n${attempt}\n${token}\n${queue}\n${id}`
    const row = this.#rowFor(text)
    row.write(text, holder)
    return row
  }

  release(row: LockRow<Holder>): void {
    row.clear()
    this.#poolOf(row).push(row)
  }

  /** Whose lock stood in this row when a reader saw it, if it still does. */
  holder(row: number, state: number): Holder | undefined {
    const found = this.#rows[row]
    return found?.state === state ? found.holder : undefined
  }

  #rowFor(text: string): LockRow<Holder> {
    // A character takes at most three bytes.
    const bytes = 3 * text.length <= ROOM ? ROOM : Buffer.byteLength(text)
    if (bytes <= ROOM) return this.#free.pop() ?? this.#grow(ROW_BYTES, ROWS)
    const fitting = this.#wide.findIndex(({ room }) => room >= bytes)
    if (fitting >= 0) return this.#wide.splice(fitting, 1)[0] as LockRow<Holder>
    return this.#grow(2 ** Math.ceil(Math.log2(bytes + TEXT_AT)), 1)
  }

  /** @returns one of the new rows; the others are free */
  #grow(rowBytes: number, rows: number): LockRow<Holder> {
    const block = { buffer: new SharedArrayBuffer(rows * rowBytes), rowBytes }
    const view = viewOf(block)
    const added = Array.from({ length: rows }, (_, index) => new LockRow<Holder>(view, index * rowBytes))
    this.blocks.push(block)
    this.#rows.push(...added)
    this.#onGrow(block)
    const [first, ...others] = added as [LockRow<Holder>, ...LockRow<Holder>[]]
    this.#poolOf(first).push(...others)
    return first
  }

  #poolOf({ room }: LockRow<Holder>): LockRow<Holder>[] {
    return room > ROOM ? this.#wide : this.#free
  }
}

/** The side that reads. */
export class LockReader {
  readonly #views: View[] = []
  #copy = Buffer.alloc(ROW_BYTES)

  constructor(blocks: readonly LockBlock[] = []) {
    for (const block of blocks) this.add(block)
  }

  add(block: LockBlock): void {
    this.#views.push(viewOf(block))
    if (block.rowBytes > this.#copy.length) this.#copy = Buffer.alloc(block.rowBytes)
  }

  /** The locks that are held now. One that comes or goes meanwhile may be missing: it is new, or no longer needed. */
  read(): HeldLock[] {
    const locks: HeldLock[] = []
    let row = 0
    for (const view of this.#views) {
      for (let at = 0; at < view.bytes.length; at += view.rowBytes, row++) {
        const lock = this.#readRow(view, at, row)
        if (lock) locks.push(lock)
      }
    }
    return locks
  }

  #readRow({ words, bytes, rowBytes }: View, at: number, row: number): HeldLock | undefined {
    const word = at / 4
    const state = Atomics.load(words, word + STATE)
    if ((state & STATE_BITS) !== HELD) return undefined
    const start = at + TEXT_AT
    const length = Math.min(words[word + LENGTH] as number, rowBytes - TEXT_AT)
    // A copy is decoded: a decoder may look twice, and here the bytes may change in between.
    bytes.copy(this.#copy, 0, start, start + length)
    const killAt = Atomics.load(words, word + KILL_AT)
    const graceMs = words[word + GRACE] as number
    if (Atomics.load(words, word + STATE) !== state) return undefined
    const [stalls = '', attempt, token = '', queue = '', ...id] = this.#copy.toString('utf8', 0, length).split('\n')
    return {
      row,
      state,
      killAt: killAt === 0 ? Number.POSITIVE_INFINITY : killAt * KILL_STEP_MS,
      graceMs: killAt === 0 ? Number.POSITIVE_INFINITY : graceMs,
      queue,
      id: id.join('\n'),
      token,
      attempt: Number(attempt),
      stalls,
    }
  }
}
