import { JsonWalk } from './json-walk.ts'

/**
 * Inputs as they stand in a body, but for the space between their parts: keys in their order, numbers and strings as they
 * were written. `JSON.parse` keeps none of that. It has to have taken the body, in which no object has a name twice.
 */

/** That of a body which is one job; empty if it has none. */
export const sentInput = (body: Buffer): string => inputOf(new JsonWalk(body))

/** Those of a batch, in the order of its jobs. What has none, or is no job at all, has an empty one. */
export function* sentInputs(body: Buffer): Generator<string, void> {
  const walk = new JsonWalk(body)
  if (!walk.enter('object')) return
  for (let name = walk.nextField(); name !== undefined; name = walk.nextField()) {
    if (name !== 'jobs' || !walk.enter('list')) walk.value()
    else while (walk.nextItem()) yield inputOf(walk)
  }
}

function inputOf(walk: JsonWalk): string {
  let input = ''
  if (walk.enter('object')) {
    for (let name = walk.nextField(); name !== undefined; name = walk.nextField()) {
      const text = walk.value()
      if (name === 'input') input = text
    }
  } else walk.value()
  return input
}
