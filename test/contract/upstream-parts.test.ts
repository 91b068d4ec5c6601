import { describe, expect, test } from 'vitest'
import { CellSpace } from '../../src/cells/space.ts'
import { CellRegistry } from '../../src/control/registry/registry.ts'
import { Attempt } from '../../src/core/attempt.ts'
import type { UpstreamConfig } from '../../src/core/config.ts'
import type { AnyFeature } from '../../src/core/feature.ts'
import type { EndpointView, UpstreamPart } from '../../src/core/upstream-part.ts'
import { upstreamUses } from '../../src/core/use.ts'
import { UpstreamFeatures } from '../../src/data/engine/compile-parts.ts'
import { UpstreamParts } from '../../src/data/upstreams/parts.ts'
import { FEATURES } from '../../src/features/index.ts'
import { ManualClock } from '../kit/clock.ts'
import { exchange } from '../kit/exchange.ts'
import { featureDeps, readOptions } from '../kit/feature.ts'
import { UPSTREAM } from '../kit/lean-upstream.ts'

const AT_UPSTREAMS = FEATURES.filter(({ upstream }) => upstream !== undefined)

/** What is written of features that need more than their defaults. */
const WRITTEN: Readonly<Record<string, unknown>> = {
  panicThreshold: '50%',
  slowStart: '30s',
  sticky: { cookie: 'server', secret: { env: 'KEY' } },
  subset: { size: 2 },
  zone: { prefer: 'here' },
}

function configOf(feature: AnyFeature): UpstreamConfig {
  const place = feature.keys.upstream === undefined ? 'loadBalancing' : 'upstream'
  const options = readOptions(feature, WRITTEN[feature.name] ?? {}, place)
  return { ...UPSTREAM, features: { [feature.name]: options } }
}

/** One upstream with one feature, as each of two workers sees it. */
class Rig {
  readonly clock = new ManualClock()
  readonly registry = new CellRegistry(2)
  readonly config: UpstreamConfig
  private readonly spaces: readonly CellSpace[]
  private readonly compiled: readonly UpstreamParts[]

  constructor(feature: AnyFeature) {
    this.config = configOf(feature)
    const cells = this.registry.lease().upstream(this.config.name, upstreamUses(this.config, FEATURES))
    this.spaces = [0, 1].map((worker) => new CellSpace(2, worker))
    this.compiled = this.spaces.map((space) => {
      space.add(this.registry.pages)
      const deps = featureDeps({ space, clock: this.clock })
      return new UpstreamFeatures(FEATURES).compile(this.config, cells, undefined, deps)
    })
  }

  parts(worker: number): UpstreamParts {
    return this.compiled[worker] as UpstreamParts
  }

  attempt(number: number): Attempt {
    return new Attempt(number, this.config.name, this.clock.now())
  }

  /** How many further attempts are admitted now, 300 at most; all are given back. */
  room(): number {
    const taken: Attempt[] = []
    for (let at = this.attempt(2); taken.length < 300 && this.parts(0).admits(exchange(), at); at = this.attempt(2))
      taken.push(at)
    for (const at of taken) this.parts(0).withdrawn(at, false)
    return taken.length
  }
}

describe.each(AT_UPSTREAMS.map((feature) => [feature.name, feature] as const))('%s at an upstream', (name, feature) => {
  test('is compiled with its defaults, by its name', () => {
    expect([...new Rig(feature).parts(0).uses.keys()]).toEqual([name])
  })

  test('admits the first attempt of a request', () => {
    const rig = new Rig(feature)
    expect(rig.parts(0).admits(exchange(), rig.attempt(1))).toBe(true)
  })

  test.each([1, 2])('what attempt %i took is given back when it does not go', (number) => {
    const rig = new Rig(feature)
    const before = rig.room()
    for (const worker of [0, 1]) {
      for (let i = 0; i < 50; i++) {
        const at = rig.attempt(number)
        if (rig.parts(worker).admits(exchange(), at)) rig.parts(worker).withdrawn(at, false)
      }
    }
    expect(rig.room()).toEqual(before)
  })

  test('an attempt that began and never left its queue counts for nothing', () => {
    const rig = new Rig(feature)
    const parts = rig.parts(0)
    const before = rig.room()
    for (const number of [1, 2]) {
      const at = rig.attempt(number)
      expect(parts.admits(exchange(), at)).toBe(true)
      parts.begun(at)
      parts.withdrawn(at, true)
    }
    expect(rig.room()).toEqual(before)
  })
})

describe('permits of an upstream', () => {
  const bounded = AT_UPSTREAMS.filter((feature) => new Rig(feature).parts(0).permits !== undefined)

  test.each(bounded.map((feature) => [feature.name, feature] as const))(
    '%s: each that is taken can be given back, in whichever worker',
    (_name, feature) => {
      const rig = new Rig(feature)
      const [a, b] = [rig.parts(0).permits, rig.parts(1).permits]
      let taken = 0
      while (taken < 5_000 && a?.isFull(0) === false && a.take()) taken++
      expect(taken).toBeGreaterThan(0)
      expect([b?.isFull(0), b?.take()]).toEqual(taken < 5_000 ? [true, false] : [false, true])
      a?.give()
      expect(b?.isFull(0)).toBe(false)
    },
  )
})

describe('the parts of an upstream', () => {
  function parts(...all: UpstreamPart[]): UpstreamParts {
    const use = { at: 'upstream', name: 'a', options: {}, upstreams: ['a'], reach: {} } as const
    return new UpstreamParts(
      new Map(all.map((part, i) => [String(i), { use, cells: undefined, atEndpoints: false, part }])),
    )
  }

  test('a part that refuses an attempt undoes what those before it took, and asks none behind it', () => {
    const told: string[] = []
    const part = (name: string, admits: boolean): UpstreamPart => ({
      admits: () => told.push(`${name} asked`) > 0 && admits,
      withdrawn: (_at, begun) => void told.push(`${name} withdrawn ${begun}`),
    })
    const all = parts(part('a', true), {}, part('b', false), part('c', true))
    expect(all.admits(exchange(), new Attempt(1, 'a', 0))).toBe(false)
    expect(told).toEqual(['a asked', 'b asked', 'a withdrawn false'])
  })

  test('an endpoint without the cells of a feature gets nothing of it', () => {
    const seen: string[] = []
    const part: UpstreamPart = {
      endpoints: (all) =>
        all.map(({ endpoint: { id } }) => {
          seen.push(id)
          return { staysOut: () => true }
        }),
    }
    const use = { at: 'upstream', name: 'a', options: {}, upstreams: ['a'], reach: {} } as const
    const all = new UpstreamParts(new Map([['own', { use, cells: undefined, atEndpoints: true, part }]]))
    const [a, b] = ['a', 'b'].map((id) => ({ id }) as EndpointView)
    const made = all.equip([
      { endpoint: a as EndpointView, cells: { own: {} } },
      { endpoint: b as EndpointView, cells: {} },
    ])
    expect(seen).toEqual(['a'])
    expect([a, b].map((endpoint) => made.get(endpoint as EndpointView)?.staysOut())).toEqual([true, false])
  })

  test('what stands in front of a balancer is wrapped by stage, whatever the order of the parts', () => {
    const made: string[] = []
    const part = (name: string, stage: number): UpstreamPart => ({
      balance: { stage, why: '' },
      balancing: (create) => () => {
        made.push(name)
        return create()
      },
    })
    const create = parts(part('inner', 30), part('outer', 10), part('middle', 20)).balanced(() => {
      made.push('balancer')
      return { update: () => {}, pick: () => undefined }
    })
    create()
    expect(made).toEqual(['outer', 'middle', 'inner', 'balancer'])
  })

  test('none admits everything', () => {
    expect(parts().admits(exchange(), new Attempt(9, 'a', 0))).toBe(true)
  })

  test('a part is used again while its options and its cells are the same', () => {
    const feature = AT_UPSTREAMS[0] as AnyFeature
    const config = configOf(feature)
    const registry = new CellRegistry(1)
    const cells = registry.lease().upstream(config.name, upstreamUses(config, FEATURES))
    const space = new CellSpace(1, 0)
    space.add(registry.pages)
    const features = new UpstreamFeatures(FEATURES)
    const first = features.compile(config, cells, undefined, featureDeps({ space }))
    const part = (compiled: UpstreamParts) => compiled.uses.get(feature.name)?.part
    expect(part(features.compile(structuredClone(config), structuredClone(cells), first, featureDeps({ space })))).toBe(
      part(first),
    )
    const other = { ...config, name: 'other' }
    expect(part(features.compile(other, cells, first, featureDeps({ space })))).not.toBe(part(first))
    expect(features.compile({ ...config, features: {} }, cells, first, featureDeps({ space })).uses.size).toBe(0)
  })
})
