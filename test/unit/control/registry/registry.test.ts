import { describe, expect, test } from 'vitest'
import { CellSpace } from '../../../../src/cells/space.ts'
import type { EndpointIdentity, RouteNeeds } from '../../../../src/control/registry/lease.ts'
import { CellRegistry } from '../../../../src/control/registry/registry.ts'
import type { BreakerCells } from '../../../../src/core/protocol.ts'
import { CIRCUIT_WORDS } from '../../../../src/features/circuit-breaker/circuit.ts'

const endpoint = (port: number): EndpointIdentity => ({
  upstream: 'orders',
  scheme: 'http',
  address: '10.0.0.1',
  port,
  sni: '',
})

function workerSpace(registry: CellRegistry, worker: number): CellSpace {
  const space = new CellSpace(registry.workers, worker)
  space.add(registry.pages)
  return space
}

describe('CellRegistry', () => {
  test('the same identity has the same cells in every lease, another one others', () => {
    const registry = new CellRegistry(2)
    const [a, b] = [registry.lease(), registry.lease()]
    expect(a.endpoint(endpoint(80))).toEqual(b.endpoint(endpoint(80)))
    expect(a.endpoint(endpoint(80))).not.toEqual(a.endpoint(endpoint(81)))
    expect(a.endpoint({ ...endpoint(80), sni: 'x' })).not.toEqual(a.endpoint(endpoint(80)))
    expect(a.route('r')).toEqual(b.route('r'))
  })

  test('no two cells share a slot, over several pages', () => {
    const registry = new CellRegistry(16)
    const lease = registry.lease()
    const seen = new Set<string>()
    for (let i = 0; i < 3000; i++) {
      const { page, slot } = lease.route(`r${i}`).inFlight
      expect(slot).toBeLessThan(CellSpace.columnSlots(16))
      seen.add(`${page}:${slot}`)
    }
    expect(seen.size).toBe(3000)
    expect(registry.pages.filter(({ kind }) => kind === 'ints')).toHaveLength(3)
  })

  test('cells without a lease are used again once passed and empty, not before', () => {
    const registry = new CellRegistry(2)
    const old = registry.lease()
    const cells = old.endpoint(endpoint(80))
    const worker = workerSpace(registry, 1).held(cells.inFlight)
    registry.write(cells.state, 1)
    worker.take()
    old.release({ generation: 2, update: 0 })

    registry.reclaim({ generation: 2, update: 0 })
    const next = registry.lease()
    expect(next.endpoint(endpoint(81)).inFlight).not.toEqual(cells.inFlight)

    worker.give()
    registry.reclaim({ generation: 1, update: 9 })
    expect(next.endpoint(endpoint(82)).inFlight).not.toEqual(cells.inFlight)

    registry.reclaim({ generation: 2, update: 0 })
    const again = next.endpoint(endpoint(83))
    expect([again.inFlight, again.connections]).toContainEqual(cells.inFlight)
    expect(again.state).toEqual(cells.state)
    expect(registry.read(again.state)).toBe(0)
  })

  test('an update, too, must be passed', () => {
    const registry = new CellRegistry(1)
    const old = registry.lease()
    const { state } = old.endpoint(endpoint(80))
    old.release({ generation: 0, update: 3 })
    registry.reclaim({ generation: 1, update: 2 })
    expect(registry.lease().endpoint(endpoint(81)).state).not.toEqual(state)
    registry.reclaim({ generation: 1, update: 3 })
    expect(registry.lease().endpoint(endpoint(82)).state).toEqual(state)
  })

  test('a retired identity that comes back has its state still', () => {
    const registry = new CellRegistry(1)
    const old = registry.lease()
    const cells = old.endpoint(endpoint(80))
    registry.write(cells.state, 2)
    old.release({ generation: 1, update: 0 })
    expect(registry.lease().endpoint(endpoint(80))).toEqual(cells)
    registry.reclaim({ generation: 5, update: 5 })
    expect(registry.read(cells.state)).toBe(2)
  })

  test('a breaker keeps its state over generations; another window is another window', () => {
    const registry = new CellRegistry(2)
    const [old, next] = [registry.lease(), registry.lease()]
    const before = old.route('r', windows({ a: 10_000, b: 10_000 })).breakers
    const after = next.route('r', windows({ a: 10_000, b: 20_000 })).breakers
    expect(after.a).toEqual(before.a)
    expect(after.b?.state).toEqual(before.b?.state)
    expect(after.b?.window).not.toEqual(before.b?.window)
    expect(next.route('other', windows({ a: 10_000 })).breakers.a?.state).not.toEqual(before.a?.state)
  })

  test('cells of a breaker are empty when they are used again', () => {
    const registry = new CellRegistry(2)
    const old = registry.lease()
    const { state, window } = old.route('r', windows({ a: 10_000 })).breakers.a as BreakerCells
    for (const worker of [0, 1]) workerSpace(registry, worker).window(window, 10_000).record(500, 0, true)
    registry.words(state).fill(7, state.slot, state.slot + CIRCUIT_WORDS)
    old.release({ generation: 1, update: 0 })
    registry.reclaim({ generation: 1, update: 0 })
    const again = registry.lease().route('q', windows({ a: 10_000 })).breakers.a as BreakerCells
    expect(again).toEqual({ state, window })
    expect(workerSpace(registry, 0).window(window, 10_000).counts(500, 0)).toEqual({ total: 0, failed: 0 })
    expect([...registry.words(state).subarray(state.slot, state.slot + CIRCUIT_WORDS)]).toEqual(
      new Array(CIRCUIT_WORDS).fill(0),
    )
  })

  test('what another lease has is never retired', () => {
    const registry = new CellRegistry(1)
    const [a, b] = [registry.lease(), registry.lease()]
    const { inFlight } = a.route('r')
    b.route('r')
    a.release({ generation: 1, update: 0 })
    registry.reclaim({ generation: 9, update: 9 })
    expect(registry.lease().route('other').inFlight).not.toEqual(inFlight)
  })

  test('a bulkhead has cells of its own, which no route without one has', () => {
    const lease = new CellRegistry(2).lease()
    const { bulkhead, inFlight } = lease.route('r', {
      breakers: new Map(),
      bulkhead: { queue: false, adaptive: false },
      streams: false,
    })
    expect(bulkhead?.inFlight).not.toEqual(inFlight)
    expect(lease.route('other').bulkhead).toBeUndefined()
  })

  test('zeroing a column gives back what that worker held and nothing else', () => {
    const registry = new CellRegistry(3)
    const lease = registry.lease()
    const refs = Array.from({ length: 6000 }, (_, i) => lease.route(`r${i}`).inFlight)
    expect(registry.pages.length).toBeGreaterThan(1)
    for (const worker of [0, 1, 2]) {
      const space = workerSpace(registry, worker)
      for (const ref of refs) space.held(ref).take()
    }
    registry.zeroColumn(1)
    expect(new Set(refs.map((ref) => registry.sum(ref)))).toEqual(new Set([2]))
    expect(workerSpace(registry, 1).held(refs[0]!).mine()).toBe(0)
  })

  test('metric pages belong to a worker number for good', () => {
    const registry = new CellRegistry(2)
    expect(registry.metricPage(0, 0)).toBe(registry.metricPage(0, 0))
    expect(registry.metricPage(0, 0)).not.toBe(registry.metricPage(1, 0))
    expect(registry.pages).toHaveLength(0)
  })
})

function windows(ms: Readonly<Record<string, number>>): RouteNeeds {
  return { breakers: new Map(Object.entries(ms)), bulkhead: undefined, streams: false }
}
