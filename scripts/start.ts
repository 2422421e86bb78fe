// npm start: everything on one machine, until Ctrl-C.
import { runCommand } from './start/run-command.ts'
import { supervise } from './start/supervisor.ts'

await runCommand('npm start', supervise)
