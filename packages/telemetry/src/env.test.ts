import { readEnv, SettingsError } from '@foliot/settings'
import { describe, expect, it } from 'vitest'
import { telemetryEnv, wantsTracing } from './env.ts'

const wants = (env: Record<string, string>) => wantsTracing(readEnv(telemetryEnv, env))

describe('wantsTracing', () => {
  it('is false unless a variable asks for traces', () => {
    expect(wants({})).toBe(false)
    expect(wants({ OTEL_TRACES_EXPORTER: '', OTEL_PROPAGATORS: 'b3' })).toBe(false)
  })

  it.each([
    { OTEL_TRACES_EXPORTER: 'console' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318' },
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://localhost:4318/v1/traces' },
  ])('is true with %j', (env) => {
    expect(wants(env)).toBe(true)
  })

  it.each([{ OTEL_TRACES_EXPORTER: 'none' }, { OTEL_SDK_DISABLED: 'TRUE' }])(
    'is false with %j, whatever else is set',
    (no) => {
      expect(wants({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318', ...no })).toBe(false)
    },
  )
})

it('logs from info up unless told otherwise, and knows its levels', () => {
  expect(readEnv(telemetryEnv, {}).FOLIOT_LOG_LEVEL).toBe('info')
  expect(() => readEnv(telemetryEnv, { FOLIOT_LOG_LEVEL: 'verbose' })).toThrow(SettingsError)
})
