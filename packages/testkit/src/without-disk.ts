/** Arguments of PostgreSQL. Tests kill processes, not machines: what it has handed to the kernel survives that. */
export const WITHOUT_DISK = ['fsync=off', 'full_page_writes=off'].flatMap((setting) => ['-c', setting])
