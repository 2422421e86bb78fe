import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

// Node gets these for `require` too, so 'import' is not among them: packages with two halves would be mixed up.
const conditions = ['source', 'node', 'module', 'default']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  // Where Vitest loads the global set-up and the reporters: without it they would need the packages to be built.
  environments: { __vitest__: { resolve: { conditions } } },
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', '.foliot/**', '**/*.browser.test.ts'],
    // A process of its own for each file costs the processor much of its time: start-up, and the same imports again.
    isolate: false,
    // Half of what it takes to start a process of ours is compiling it, and tests start hundreds.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/foliot-tests', import.meta.url)) },
    setupFiles: 'packages/testkit/src/each-file.ts',
    globalSetup: 'packages/testkit/src/global-setup.ts',
    // Tests wait on servers, child processes and timers as long as they compute: even on two cores four files run at a time.
    maxWorkers: Math.max(4, availableParallelism() - 1),
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
})
