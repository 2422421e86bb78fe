import { DATABASE_TROUBLES, databaseTroubleOf } from '@foliot/history'
import { FoliotError } from '@foliot/jobs'
import { type Area, ClosedOutputError, type Surroundings, UsageError } from './command.ts'

const FAILED = 1
const WRONG_USAGE = 2

const HELP = ['--help', '-h', 'help']

/** Runs one command. @returns the exit code */
export async function runCli(
  areas: Readonly<Record<string, Area>>,
  args: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const { out, note } = surroundings
  const [areaName, commandName, ...rest] = args
  if (areaName !== undefined && HELP.includes(areaName)) return say(out, overview(areas))
  const area = own(areas, areaName)
  if (!area) {
    const came = areaName === undefined ? 'nothing' : JSON.stringify(areaName)
    note(`Expected one of ${Object.keys(areas).join(', ')}, got ${came}.\n\n${overview(areas)}`)
    return WRONG_USAGE
  }
  const only = { [areaName as string]: area }
  if (commandName !== undefined && HELP.includes(commandName)) return say(out, overview(only))
  const command = own(area, commandName)
  if (!command) {
    const came = commandName === undefined ? 'nothing' : JSON.stringify(commandName)
    const names = Object.keys(area).join(', ')
    note(`Expected \`foliot ${areaName}\` and one of ${names}, got ${came}.\n\n${overview(only)}`)
    return WRONG_USAGE
  }
  if (rest.some((arg) => arg === '--help' || arg === '-h')) return say(out, command.help)
  try {
    await command.run(rest, surroundings)
    return 0
  } catch (error) {
    if (error instanceof ClosedOutputError) return 0
    note(messageOf(error))
    if (!isUsageError(error)) return FAILED
    note(`\`foliot ${areaName} ${commandName} --help\` says how it is called.`)
    return WRONG_USAGE
  }
}

async function say(out: Surroundings['out'], text: string): Promise<0> {
  await out(text)
  return 0
}

const own = <T>(record: Readonly<Record<string, T>>, name: string | undefined): T | undefined =>
  name !== undefined && Object.hasOwn(record, name) ? record[name] : undefined

/** Also what `parseArgs` throws. */
const isUsageError = (error: unknown): boolean =>
  error instanceof UsageError || String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS_')

function messageOf(error: unknown): string {
  const trouble = databaseTroubleOf(error)
  const { message } = error as Error
  if (trouble) return `${DATABASE_TROUBLES[trouble]} (FOLIOT_DATABASE_URL): ${message}`
  return error instanceof FoliotError && error.hint !== undefined ? `${message}\n${error.hint}` : message
}

function overview(areas: Readonly<Record<string, Area>>): string {
  const rows = Object.entries(areas).flatMap(([area, commands]) =>
    Object.entries(commands).map(([name, { summary }]) => [`foliot ${area} ${name}`, summary] as const),
  )
  const width = Math.max(...rows.map(([call]) => call.length))
  const lines = rows.map(([call, summary]) => `  ${call.padEnd(width)}   ${summary}`)
  return ['Commands; each explains itself with --help:', '', ...lines].join('\n')
}
