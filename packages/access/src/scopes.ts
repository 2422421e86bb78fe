/** What a key may do. `admin` includes the others. */
export const SCOPES = ['enqueue', 'read', 'operate', 'admin'] as const

export type Scope = (typeof SCOPES)[number]
