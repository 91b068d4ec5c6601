import { expect, test } from 'vitest'
import { healthCheck } from '../../../../src/features/health-check/feature.ts'
import type { HealthCheckOptions } from '../../../../src/features/health-check/keys.ts'
import { readOptions } from '../../../kit/feature.ts'

test.each([
  [true, {}],
  [true, { path: '/live', expect: { status: [500, '200-204'] } }],
  [false, { expect: { status: '204' } }],
  [false, { expect: { body: 'ready' } }],
  [false, { port: 9090 }],
  [false, { type: 'tcp' }],
  [false, { type: 'grpc' }],
])('endpoints of a drill pass: %s, %j', (passes, written) => {
  expect(healthCheck.fitsDrill?.(readOptions(healthCheck, written, 'upstream') as HealthCheckOptions)).toBe(passes)
})
