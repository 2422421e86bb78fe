import { ClosedOutputError } from './command.ts'

/** Who prints to the stream, with a line end after each text. See `Surroundings.out`. */
export function printTo(stream: NodeJS.WritableStream): (text: string) => Promise<void> {
  // Each text is told of it by itself.
  stream.on('error', () => undefined)
  return (text) =>
    new Promise((resolve, reject) => {
      stream.write(`${text}\n`, (error) => {
        if (!error) resolve()
        else reject(isClosed(error) ? new ClosedOutputError('nobody reads the answer any more') : error)
      })
    })
}

/** The second is for texts after the first that was refused. */
const isClosed = ({ code }: NodeJS.ErrnoException): boolean => code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED'
