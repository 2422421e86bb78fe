import type { Writable } from 'node:stream'
import { renderLine } from './render-line.ts'

/** Where `npm start` writes. The lines of the apps are held back until the screen has been shown. */
export interface Output {
  /** A line of our own, at once, after what was held back: that may be the reason for it. */
  say(line: string): void
  /** A line of an app. */
  appLine(app: string, text: string): void
  /** Shows the screen, then what was held back. From here on nothing is. */
  show(screen: string): void
}

export function openOutput(stream: Writable, colour: boolean): Output {
  let held: string[] = []
  let isHolding = true
  const write = (text: string): void => void stream.write(`${text}\n`)
  const flush = (): void => {
    for (const line of held) write(line)
    held = []
  }
  return {
    say(line) {
      flush()
      write(line)
    },
    appLine(app, text) {
      const line = renderLine(app, text, { colour })
      if (isHolding) held.push(line)
      else write(line)
    },
    show(screen) {
      isHolding = false
      write(screen)
      flush()
    },
  }
}
