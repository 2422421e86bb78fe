#!/usr/bin/env node
import { exitOnSettingsError } from '@foliot/settings'
/**
 * `foliot <area> <command>`: what is done beside the api, with the same stores. The answer goes to stdout, all else to
 * stderr. Exit codes: 0, 1 if it could not be done, 2 for wrong arguments, 78 for wrong settings.
 */
import { AREAS } from './areas.ts'
import { readCliEnv } from './env.ts'
import { printTo } from './print.ts'
import { runCli } from './run-cli.ts'

process.exitCode = await runCli(AREAS, process.argv.slice(2), {
  env: () => exitOnSettingsError(readCliEnv),
  out: printTo(process.stdout),
  note: (text) => void process.stderr.write(`${text}\n`),
})
