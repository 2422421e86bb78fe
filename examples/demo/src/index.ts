import { jobPack } from '@foliot/jobs'
import { handlers } from './handlers.ts'
import { demoJobs } from './jobs.ts'

/** The demo's definitions with their handlers, for a worker to load through `FOLIOT_JOBS`. */
export default jobPack(demoJobs, handlers)
