import { expect, it } from 'vitest'
import { Breath } from './breath.ts'

it('lets others have their turn in a loop that waits for nothing', async () => {
  let turns = 0
  setImmediate(() => {
    turns += 1
  })
  const breath = new Breath()
  while (turns === 0) if (breath.isDue) await breath.take()
  expect(turns).toBe(1)
  expect(breath.isDue).toBe(false)
})
