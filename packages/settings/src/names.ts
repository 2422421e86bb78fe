/**
 * Every `FOLIOT_*` variable of the platform. One `.env` serves all apps, so each app knows the names of the others;
 * a name that is not here is a typing error and stops the start. A test keeps this list and `.env.example` equal.
 */
export const SETTING_NAMES = Object.freeze([
  'FOLIOT_REDIS_URL',
  'FOLIOT_DATABASE_URL',
  'FOLIOT_DATABASE_PASSWORD_FILE',
  'FOLIOT_HISTORY_DAYS',
  'FOLIOT_HISTORY_DEAD_LETTER_DAYS',
  'FOLIOT_HISTORY_BACKLOG_MAX_JOBS',
  'FOLIOT_AUDIT_DAYS',
  'FOLIOT_API_HOST',
  'FOLIOT_API_PORT',
  'FOLIOT_API_KEYS',
  'FOLIOT_WORKER_HOST',
  'FOLIOT_WORKER_PORT',
  'FOLIOT_RECORDER_HOST',
  'FOLIOT_RECORDER_PORT',
  'FOLIOT_SCHEDULER_HOST',
  'FOLIOT_SCHEDULER_PORT',
  'FOLIOT_JOBS',
  'FOLIOT_QUEUES',
  'FOLIOT_CONCURRENCY',
  'FOLIOT_ISOLATED_MEMORY_MB',
  'FOLIOT_SHUTDOWN_GRACE_MS',
  'FOLIOT_LOG_LEVEL',
  'FOLIOT_SUPERVISED',
  'FOLIOT_HTTP_ALLOW',
  'FOLIOT_FILES_DIR',
] as const)

export type SettingName = (typeof SETTING_NAMES)[number]
