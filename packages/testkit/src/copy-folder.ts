import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** Copies a folder with all that is in it, owners and rights too, to one that is not there or empty. */
export async function copyFolder(from: string, to: string): Promise<void> {
  // Node's own copies belong to who makes them; what PostgreSQL runs on belongs to another user than root.
  await promisify(execFile)('cp', ['-a', `${from}/.`, to])
}
