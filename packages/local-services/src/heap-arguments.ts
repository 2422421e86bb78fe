/**
 * What Node is started with to run an app, everywhere: here, by `npm start` in the app's folder, and in its image.
 *
 * V8 takes memory for granted on a large machine: it lets garbage grow to several times what is in use before it looks.
 * These keep a busy api or worker below 250 MB: a young generation of 3 × 16 MB from the start, in which what a batch of
 * jobs needs dies before it is moved, and an old one that grows to little more than twice what was in use before V8 looks
 * again. With less than twice, looking costs a third of the time.
 */
export const HEAP_ARGUMENTS: readonly string[] = [
  '--min-semi-space-size=16',
  '--max-semi-space-size=16',
  '--heap-growing-percent=120',
]
