import { expect, test } from 'vitest'
import { loopCheck } from '../../../../src/features/loop-check/feature.ts'
import { EngineKit } from '../../../kit/engine.ts'
import { exchange } from '../../../kit/exchange.ts'
import { featureContext } from '../../../kit/feature.ts'

const via = loopCheck.compile(undefined, { ...featureContext(), gateway: 'edge' })?.via

test.each([
  [['Via', '1.1 a, 1.1 EDGE (x)'], 'loop_detected'],
  [['via', '1.1 a', 'x', 'y', 'VIA', '2 edge'], 'loop_detected'],
  [['Via', '1.1 edge2, 1.0 my-edge'], undefined],
  [[], undefined],
])('%j: %s', (headers, reason) => {
  const verdict = via?.admit?.(exchange(headers))
  expect(verdict).toEqual(reason && { reason, phase: 'request', origin: 'client' })
})

test('a request in a loop is answered without an attempt', () => {
  const kit = new EngineKit()
  expect(kit.send('GET', '/', ['via', '1.1 test']).reply?.status).toBe(502)
  expect(kit.finished[0]?.failure).toMatchObject({ reason: 'loop_detected', phase: 'request', origin: 'client' })
  expect(kit.transport.connections.length).toBe(0)
})
