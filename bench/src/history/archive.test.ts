import { isJobId } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { Archive } from './archive.ts'

const from = Date.UTC(2026, 0, 1)
const to = Date.UTC(2026, 0, 31)
const archive = new Archive({ seed: 7, first: 100, jobs: 3000, from, to })
const jobs = [...archive.batches(700)].flat()

describe('an archive', () => {
  it('is the same for the same seed, whether it is read whole or job by job', () => {
    expect(jobs).toHaveLength(3000)
    expect(archive.jobAt(1234)).toEqual(jobs[1134])
  })

  it('holds jobs in the order in which they were made, evenly over its time', () => {
    const made = jobs.map(({ job }) => Date.parse(job.createdAt))
    expect(made).toEqual(made.toSorted((a, b) => a - b))
    expect(made[0]).toBeGreaterThanOrEqual(from)
    expect(made.at(-1)).toBeLessThanOrEqual(to)
    const inFirstTenth = made.filter((at) => at < from + (to - from) / 10).length
    expect(Math.abs(inFirstTenth - 300)).toBeLessThanOrEqual(1)
  })

  it('gives each an id of its own that tells when it was made', () => {
    expect(new Set(jobs.map(({ job }) => job.id)).size).toBe(jobs.length)
    expect(jobs.every(({ job }) => isJobId(job.id))).toBe(true)
    const [{ job }] = jobs as [(typeof jobs)[number]]
    expect(Number.parseInt(job.id.replace('-', '').slice(0, 12), 16)).toBe(Date.parse(job.createdAt))
  })

  it('tells of each attempt, the last of which ended as the job did', () => {
    for (const { job, attempts } of jobs) {
      expect(attempts).toHaveLength(job.attempt)
      expect(attempts.at(-1)?.outcome).toBe(job.status)
      expect(attempts.slice(0, -1).every(({ outcome, error }) => outcome === 'failed' && error)).toBe(true)
      expect(new Date(attempts.at(-1)?.endedAt ?? 0).toISOString()).toBe(job.finishedAt)
      const times = job.timeline.map(({ at }) => at)
      expect(times).toEqual(times.toSorted())
    }
    expect(jobs.some(({ attempts }) => attempts.length === 3)).toBe(true)
  })
})
