import { type Compose, TRIAL_IMAGES } from './compose.ts'

/** The folder of the Dockerfile's first stage, which tells that stage from what others build at the same time. */
const BUILD_FOLDER = '/src'

/** Removes the images that were built since it was made. */
export interface Leftovers {
  /** What cannot be removed is said, and changes nothing about what was tried. */
  remove(): Promise<void>
}

/**
 * Notes which images are there. Beside the two that the trial names, a Docker without BuildKit keeps their first stage,
 * a large image without a name.
 */
export async function noteImages({ docker, tryDocker }: Compose): Promise<Leftovers> {
  const nameless = async (): Promise<string[]> =>
    (await docker(['images', '--quiet', '--no-trunc', '--filter', 'dangling=true'])).split('\n').filter(Boolean)
  const isFirstStage = async (id: string): Promise<boolean> => {
    const { stdout } = await tryDocker(['image', 'inspect', '--format', '{{.Config.WorkingDir}}', id])
    return stdout.trim() === BUILD_FOLDER
  }
  const removeIfThere = async (image: string): Promise<void> => {
    if ((await tryDocker(['image', 'inspect', image])).code !== 0) return
    const { code, stderr } = await tryDocker(['image', 'rm', image])
    if (code !== 0) console.error(`The image ${image} could not be removed: ${stderr.trim()}`)
  }
  const before = new Set(await nameless())
  return {
    remove: async () => {
      for (const image of Object.values(TRIAL_IMAGES)) await removeIfThere(image)
      for (const id of await nameless()) if (!before.has(id) && (await isFirstStage(id))) await removeIfThere(id)
    },
  }
}
