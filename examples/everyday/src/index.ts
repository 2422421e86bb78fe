import { jobPack } from '@foliot/jobs'
import { readSettings } from './env.ts'
import { makeHandlers } from './handlers.ts'
import { everydayJobs } from './jobs.ts'

/** The everyday jobs with their handlers, for a worker to load through `FOLIOT_JOBS`. */
export default jobPack(everydayJobs, makeHandlers(readSettings()))
