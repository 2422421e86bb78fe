import { mergeConfig } from 'vitest/config'
import { findBrowser } from './scripts/browser/find-browser.ts'
import base from './vitest.config.ts'

const { test, ...shared } = base

declare module 'vitest' {
  interface ProvidedContext {
    /** The file of the Chromium to test with. */
    chromium: string
  }
}

/** The tests in a real browser, which `npm test` leaves out. */
export default mergeConfig(shared, {
  test: {
    ...test,
    include: ['**/*.browser.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    provide: { chromium: findBrowser() },
  },
})
