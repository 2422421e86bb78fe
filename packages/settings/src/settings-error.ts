/** The environment cannot be used as it is. `message` has a line for each of the `problems`. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    const head = problems.length === 1 ? 'A setting is wrong' : `${problems.length} settings are wrong`
    const lines = problems.map((problem) => `  ${problem}`)
    super([`${head}:`, ...lines, 'Every name and its default stands in .env.example.'].join('\n'))
    this.problems = problems
  }
}

/** EX_CONFIG of sysexits.h: started with a configuration that cannot work. A supervisor need not try again. */
export const SETTINGS_EXIT_CODE = 78

/** Runs `read`; if its settings are wrong, prints why to stderr and ends the process with code 78. For a `main.ts`. */
export function exitOnSettingsError<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(SETTINGS_EXIT_CODE)
  }
}
