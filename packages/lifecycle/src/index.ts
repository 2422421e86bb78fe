export { type HealthOptions, HealthServer } from './health-server.ts'
export { type Log, type RunOptions, runServices } from './run-services.ts'
export type { Service } from './service.ts'
