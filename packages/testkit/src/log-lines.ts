import { EventEmitter } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

/** One line that a process wrote. */
export interface LogLine {
  readonly text: string
  /** The object that the line holds, if it is one, as each log line of the apps is. */
  readonly json: Readonly<Record<string, unknown>> | undefined
}

/** The lines of a stream: those so far, and a way to wait for one that may come. */
export interface LogLines {
  readonly all: readonly LogLine[]
  /** The first line from number `from` on that matches, be it there already or still to come. Undefined at the end. */
  next(matches: (line: LogLine) => boolean, from: number, signal: AbortSignal): Promise<LogLine | undefined>
}

export function readLines(stream: Readable): LogLines {
  const all: LogLine[] = []
  const news = new EventEmitter()
  news.setMaxListeners(0)
  let ended = false
  createInterface({ input: stream })
    .on('line', (text) => {
      all.push({ text, json: parseObject(text) })
      news.emit('news')
    })
    .on('close', () => {
      ended = true
      news.emit('news')
    })

  const next: LogLines['next'] = (matches, from, signal) =>
    new Promise((resolve, reject) => {
      let at = from
      const settle = (act: () => void) => {
        news.off('news', look)
        signal.removeEventListener('abort', abort)
        act()
      }
      const abort = () => settle(() => reject(signal.reason))
      const look = () => {
        try {
          while (at < all.length) {
            const line = all[at++] as LogLine
            if (matches(line)) return settle(() => resolve(line))
          }
          if (ended) settle(() => resolve(undefined))
        } catch (error) {
          settle(() => reject(error))
        }
      }
      news.on('news', look)
      signal.addEventListener('abort', abort)
      look()
    })
  return { all, next }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
