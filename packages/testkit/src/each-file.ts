// Vitest runs this for each test file. Files share their modules, so that at-end-of-file.ts is imported for the first alone.
import { afterAll } from 'vitest'
import { endAll } from './at-end-of-file.ts'

afterAll(endAll)
