import { expect, it } from 'vitest'
import { runKey } from './keys.ts'

it('shapes a key by digests alone, the same ones in every version', () => {
  expect(runKey({ tenant: 'default', key: 'order-7:refund:1700000000000:0' })).toBe(
    'foliot-x:{N6juwc4ZaH0TL-KQUdymKdFk4sSVi6FB1fQTOjPwaI8}:once:gxpdKYXZ58SAw9rf1jmdzArkQVfBQj3xqVajz90SmIo',
  )
})
