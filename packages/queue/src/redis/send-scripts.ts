import { Command, type Redis } from 'ioredis'
import { type Arg, runScript, type ScriptName, shaOf } from './scripts.ts'

/** A script to run. */
export interface ScriptCall {
  script: ScriptName
  /** The keys that calls have in common, as one array: what is sent of them is made once for each such array. */
  sharedKeys: readonly string[]
  /** The keys that follow. */
  keys: readonly string[]
  args: readonly Arg[]
}

/**
 * Runs many scripts in one pipeline. The reply to each, in their order; an error for one that failed.
 *
 * The commands are encoded here: ioredis makes a string or a buffer of every argument, which for a batch of jobs is most
 * of the work.
 */
export async function sendScripts(redis: Redis, calls: readonly ScriptCall[]): Promise<unknown[]> {
  const replies = await Promise.all(
    calls.map((call) => {
      const reply = redis.sendCommand(new EncodedCommand(encoder.encode(call))) as Promise<unknown>
      return reply.catch((error: unknown) => error)
    }),
  )
  // Redis forgets its scripts when it is restarted. What it did not know, it did not run.
  return Promise.all(
    replies.map((reply, i) => (isUnknownScript(reply) ? runCall(redis, calls[i] as ScriptCall) : reply)),
  )
}

/** Runs one script. What it answers is the concern of the one function that wraps it. */
export async function sendScript(redis: Redis, call: ScriptCall): Promise<unknown> {
  const [reply] = await sendScripts(redis, [call])
  if (reply instanceof Error) throw reply
  return reply
}

const isUnknownScript = (reply: unknown): boolean => reply instanceof Error && reply.message.startsWith('NOSCRIPT')

const runCall = (redis: Redis, { script, sharedKeys, keys, args }: ScriptCall): Promise<unknown> =>
  runScript(redis, script, [...sharedKeys, ...keys], [...args]).catch((error: unknown) => error)

class EncodedCommand extends Command {
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    super('evalsha', [], { replyEncoding: 'utf8' })
    this.#bytes = bytes
  }

  override toWritable(): Buffer {
    return this.#bytes
  }
}

/** What is sent of a call up to its own keys, by its shared keys and then by what else is in it. */
const heads = new WeakMap<readonly string[], Map<string, string>>()

function headOf({ script, sharedKeys, keys, args }: ScriptCall): string {
  const byShape = heads.get(sharedKeys) ?? new Map<string, string>()
  const shape = `${script} ${keys.length} ${args.length}`
  let head = byShape.get(shape)
  if (head === undefined) {
    const words = ['EVALSHA', shaOf(script), String(sharedKeys.length + keys.length), ...sharedKeys]
    const bulk = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`)
    head = `*${words.length + keys.length + args.length}\r\n${bulk.join('')}`
    heads.set(sharedKeys, byShape.set(shape, head))
  }
  return head
}

const BLOCK_BYTES = 64 * 1024

/** Writes commands as RESP, one after the other into blocks of memory. A block is freed with the last command in it. */
class Encoder {
  #block = Buffer.allocUnsafe(BLOCK_BYTES)
  #start = 0
  #end = 0

  encode(call: ScriptCall): Buffer {
    this.#start = this.#end
    const head = headOf(call)
    this.#reserve(head.length * 3)
    this.#end += this.#block.write(head, this.#end)
    for (const key of call.keys) this.#text(key)
    for (const arg of call.args) {
      if (typeof arg === 'object') this.#bytes(arg)
      else this.#text(String(arg))
    }
    return this.#block.subarray(this.#start, this.#end)
  }

  #text(value: string): void {
    const length = Buffer.byteLength(value)
    this.#reserve(length + 16)
    this.#end += this.#block.write(`$${length}\r\n`, this.#end, 'latin1')
    this.#end += this.#block.write(value, this.#end)
    this.#line()
  }

  #bytes(value: Buffer): void {
    this.#reserve(value.length + 16)
    this.#end += this.#block.write(`$${value.length}\r\n`, this.#end, 'latin1')
    this.#block.set(value, this.#end)
    this.#end += value.length
    this.#line()
  }

  #line(): void {
    this.#block[this.#end++] = 13
    this.#block[this.#end++] = 10
  }

  #reserve(length: number): void {
    if (this.#end + length <= this.#block.length) return
    const written = this.#end - this.#start
    const larger = Buffer.allocUnsafe(Math.max(BLOCK_BYTES, 2 * (written + length)))
    this.#block.copy(larger, 0, this.#start, this.#end)
    this.#block = larger
    this.#start = 0
    this.#end = written
  }
}

/** One for all connections: a block for each call would be most of what a call costs. */
const encoder = new Encoder()
