import { constants, type ReadStream } from 'node:fs'
import { open, realpath } from 'node:fs/promises'
import { isAbsolute, relative, resolve, sep } from 'node:path'
import { UnrecoverableError } from '@foliot/jobs'

export interface OpenedFile {
  readonly bytes: ReadStream
  readonly totalBytes: number
}

/**
 * Opens a file below `filesDir` for reading.
 *
 * @throws UnrecoverableError of kind `forbidden_path` for a path that leads out of the folder, by `..`, as an absolute
 * path or through a symbolic link; of kind `file_not_found` if there is no such file.
 */
export async function openFile(filesDir: string | undefined, path: string): Promise<OpenedFile> {
  if (filesDir === undefined) {
    throw forbidden(path, 'set FOLIOT_FILES_DIR to the folder whose files jobs may read')
  }
  const advice = 'expected a path below FOLIOT_FILES_DIR'
  if (isAbsolute(path) || !isBelow(filesDir, resolve(filesDir, path))) throw forbidden(path, advice)
  const real = await realpath(resolve(filesDir, path)).catch((cause) => {
    throw notFound(path, cause)
  })
  if (!isBelow(await realpath(filesDir), real)) throw forbidden(path, `${advice}, without a link that leads out of it`)
  return openRegular(path, real)
}

async function openRegular(path: string, real: string): Promise<OpenedFile> {
  // No link that came in the meantime is followed, and no pipe is waited for.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const file = await open(real, flags)
  const stats = await file.stat()
  if (stats.isFile()) return { bytes: file.createReadStream(), totalBytes: stats.size }
  await file.close()
  throw notFound(path)
}

function isBelow(folder: string, path: string): boolean {
  const steps = relative(folder, path)
  return steps !== '..' && !steps.startsWith(`..${sep}`) && !isAbsolute(steps)
}

const forbidden = (path: string, advice: string) =>
  new UnrecoverableError(`${JSON.stringify(path)} may not be read: ${advice}`, { kind: 'forbidden_path' })

/** What the system says of a path that leads to nothing. */
const NOWHERE = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG']

function notFound(path: string, cause?: NodeJS.ErrnoException): Error {
  // Anything else, such as a lack of rights or a failing disk, is told as it came, and tried again.
  if (cause && !NOWHERE.includes(cause.code ?? '')) return cause
  return new UnrecoverableError(`expected a file in FOLIOT_FILES_DIR, found none at ${JSON.stringify(path)}`, {
    kind: 'file_not_found',
    cause,
  })
}
