import { expect, test } from 'vitest'
import { respond } from '../../../../src/features/respond/feature.ts'
import type { FixedOptions } from '../../../../src/http/fixed.ts'
import { featureContext } from '../../../kit/feature.ts'
import { replyOf, routed } from '../../../kit/policy.ts'

test.each<[FixedOptions, readonly string[], string | undefined]>([
  [{ status: 200, body: 'é' }, ['content-type', 'text/plain; charset=utf-8', 'content-length', '2'], 'é'],
  [
    { status: 418, headers: { 'Content-Type': 'application/json', 'x-a': 'é' }, body: '{}' },
    ['Content-Type', 'application/json', 'x-a', '\xc3\xa9', 'content-length', '2'],
    '{}',
  ],
  [{ status: 404 }, ['content-length', '0'], undefined],
  [{ status: 200, body: '' }, ['content-length', '0'], undefined],
  [{ status: 204, headers: { 'x-a': 'b' } }, ['x-a', 'b'], undefined],
  [{ status: 304 }, [], undefined],
])('%j', (options, headers, body) => {
  const reply = replyOf(respond.compile?.(options, featureContext())?.answer, routed({}))
  expect(reply.status).toBe(options.status)
  expect(reply.headers).toEqual(headers)
  expect(reply.body?.toString()).toBe(body)
})
