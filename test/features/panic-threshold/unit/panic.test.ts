import { beforeEach, expect, test } from 'vitest'
import { EndpointStateBit, type ResolvedEndpoint } from '../../../../src/core/protocol.ts'
import { UPSTREAM } from '../../../kit/lean-upstream.ts'
import { portsOf, UpstreamRig } from '../../../kit/upstream-rig.ts'

let rig: UpstreamRig

beforeEach(() => {
  rig = new UpstreamRig()
})

test('below the threshold health is ignored, drained endpoints stay out; above it counts again', () => {
  const u = rig.upstream({ algorithm: 'round-robin', features: { panicThreshold: 0.5 } })
  const all = [1, 2, 3, 4].map((port) => rig.resolved(port, { tier: port === 3 ? 1 : 0 }))
  const [a, b, c, d] = all as [ResolvedEndpoint, ResolvedEndpoint, ResolvedEndpoint, ResolvedEndpoint]
  u.setEndpoints(all)
  const seen = (): string[] => [...new Set(portsOf(Array.from({ length: 12 }, () => u.pick([]))))].sort()
  rig.cells.set(d.cells.state, EndpointStateBit.draining | EndpointStateBit.unhealthy)
  rig.cells.set(a.cells.state, EndpointStateBit.unhealthy)
  // Two of three.
  expect(seen()).toEqual(['2'])
  rig.cells.set(b.cells.state, EndpointStateBit.unhealthy)
  expect(seen()).toEqual(['1', '2'])
  rig.cells.set(a.cells.state, 0)
  expect(seen()).toEqual(['1'])
  rig.cells.set(a.cells.state, EndpointStateBit.unhealthy)
  rig.cells.set(c.cells.state, EndpointStateBit.unhealthy)
  expect(seen()).toEqual(['1', '2'])
  u.setEndpoints(all.slice(0, 2))
  expect(seen()).toEqual(['1', '2'])
  rig.renew(u, { ...UPSTREAM, algorithm: 'round-robin' })
  expect(seen()).toEqual(['-'])
})

test('without a threshold it never happens', () => {
  const u = rig.upstream()
  const only = rig.resolved(1)
  u.setEndpoints([only])
  rig.cells.set(only.cells.state, EndpointStateBit.unhealthy)
  expect(u.pick([])).toBeUndefined()
})
