/** What child processes inherit: everything but the settings of Foliot, which each bench makes itself. */
export const environment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('FOLIOT_')))
