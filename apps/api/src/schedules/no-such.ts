import { FoliotError } from '@foliot/jobs'

export const noSuchSchedule = (id: string): FoliotError =>
  new FoliotError('not_found', `there is no schedule ${JSON.stringify(id.slice(0, 128))}`, {
    hint: 'GET /v1/schedules lists them; a key of all tenants says whose it is with `tenant`',
  })

export const noSuchCalendar = (name: string): FoliotError =>
  new FoliotError('not_found', `there is no calendar ${JSON.stringify(name.slice(0, 128))}`, {
    hint: 'GET /v1/calendars lists them; a key of all tenants says whose it is with `tenant`',
  })
