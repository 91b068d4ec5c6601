import { describe, expect, test } from 'vitest'
import type { CellRef } from '../../../../src/cells/pages.ts'
import { block, columnsOf, HELD, wordsOf } from '../../../../src/cells/shape.ts'
import { CellSpace } from '../../../../src/cells/space.ts'
import { WINDOW_SLOTS } from '../../../../src/cells/window.ts'
import type { EndpointIdentity, Lease } from '../../../../src/control/registry/lease.ts'
import { CellRegistry } from '../../../../src/control/registry/registry.ts'
import type { AnyFeature } from '../../../../src/core/feature.ts'
import type { UsedRoute } from '../../../../src/core/use.ts'

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
    expect(a.route(routeOf('r'), [COUNTING])).toEqual(b.route(routeOf('r'), [COUNTING]))
  })

  test('no two cells share a slot, over several pages', () => {
    const registry = new CellRegistry(16)
    const lease = registry.lease()
    const seen = new Set<string>()
    for (let i = 0; i < 3000; i++) {
      const { page, slot } = lease.route(routeOf(`r${i}`), [COUNTING]).inFlight
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

  test('cells of a feature survive generations; another fingerprint is another cell', () => {
    const registry = new CellRegistry(2)
    const [old, next] = [registry.lease(), registry.lease()]
    const before = counted(old, 'r', { a: 10_000, b: 10_000 })
    const after = counted(next, 'r', { a: 10_000, b: 20_000 })
    expect(after.a).toEqual(before.a)
    expect(after.b?.state).toEqual(before.b?.state)
    expect(after.b?.window).not.toEqual(before.b?.window)
    expect(counted(next, 'other', { a: 10_000 }).a?.state).not.toEqual(before.a?.state)
  })

  test('cells of a feature are empty when they are used again', () => {
    const registry = new CellRegistry(2)
    const old = registry.lease()
    const { state, window } = counted(old, 'r', { a: 10_000 }).a as Counted
    for (const worker of [0, 1]) workerSpace(registry, worker).window(window.outcomes, 10_000).record(500, 0, true)
    registry.words(state.word).fill(7, state.word.slot, state.word.slot + 4)
    old.release({ generation: 1, update: 0 })
    registry.reclaim({ generation: 1, update: 0 })
    expect(counted(registry.lease(), 'q', { a: 10_000 }).a).toEqual({ state, window })
    expect(workerSpace(registry, 0).window(window.outcomes, 10_000).counts(500, 0)).toEqual({ total: 0, failed: 0 })
    expect([...registry.words(state.word).subarray(state.word.slot, state.word.slot + 4)]).toEqual([0, 0, 0, 0])
  })

  test('what another lease has is never retired', () => {
    const registry = new CellRegistry(1)
    const [a, b] = [registry.lease(), registry.lease()]
    const { inFlight } = a.route(routeOf('r'), [COUNTING])
    b.route(routeOf('r'), [COUNTING])
    a.release({ generation: 1, update: 0 })
    registry.reclaim({ generation: 9, update: 9 })
    expect(registry.lease().route(routeOf('other'), [COUNTING]).inFlight).not.toEqual(inFlight)
  })

  test('a route has the cells of the features that it has, and of no others', () => {
    const lease = new CellRegistry(2).lease()
    expect(counted(lease, 'r', { a: 1000 }).held?.count).not.toEqual(lease.route(routeOf('r'), [COUNTING]).inFlight)
    expect(lease.route(routeOf('other'), [COUNTING]).features).toEqual({})
  })

  test('zeroing a column gives back what that worker held and nothing else', () => {
    const registry = new CellRegistry(3)
    const lease = registry.lease()
    const refs = Array.from({ length: 6000 }, (_, i) => lease.route(routeOf(`r${i}`), [COUNTING]).inFlight)
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

/** A feature that keeps a word, a window and a count for each key of its options, and nothing for others. */
const COUNTING: AnyFeature = {
  name: 'counting',
  doc: '',
  keys: {},
  places: {},
  cells: ({ options }) => ({
    ...Object.fromEntries(
      Object.entries(options as Record<string, number>).map(([key, ms]) => [
        key,
        { state: block({ word: wordsOf(4) }), window: block({ outcomes: columnsOf(WINDOW_SLOTS) }, [ms]) },
      ]),
    ),
    held: block({ count: HELD }),
    off: undefined,
  }),
  compile: () => undefined,
}

interface Counted {
  readonly state: { readonly word: CellRef }
  readonly window: { readonly outcomes: CellRef }
  readonly count: CellRef
}

function counted(lease: Lease, route: string, counting: Readonly<Record<string, number>>) {
  const { features } = lease.route({ ...routeOf(route), features: { counting } }, [COUNTING])
  return features.counting as Readonly<Record<string, Counted>>
}

function routeOf(name: string): UsedRoute {
  return { name, to: [], alternates: [], features: {}, reach: {} }
}
