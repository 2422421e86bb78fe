/** The folders that a shell searches for programs. */
export const searchPath = (): string => process.env.PATH ?? ''

/** All variables, for a program that reads its own from them, such as a proxy's address. */
export const environment = (): NodeJS.ProcessEnv => process.env
