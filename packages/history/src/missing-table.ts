/** PostgreSQL's codes for a table, and a schema, that are not there. */
const MISSING = new Set<unknown>(['42P01', '3F000'])

/** And for a column. */
const MISSING_COLUMN = '42703'

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code

/** Whether the error says that nobody has made the tables yet. */
export const isMissingTable = (error: unknown): boolean => MISSING.has(codeOf(error))

/** Whether it says that nobody has made them as this version knows them; or that we misspelt a column, which tests find. */
export const isUnmigrated = (error: unknown): boolean => isMissingTable(error) || codeOf(error) === MISSING_COLUMN
