/** PostgreSQL's codes for a table, and a schema, that are not there. */
const MISSING = new Set<unknown>(['42P01', '3F000'])

/** Whether the error says that nobody has made the tables yet. */
export const isMissingTable = (error: unknown): boolean => MISSING.has((error as { code?: unknown } | null)?.code)
