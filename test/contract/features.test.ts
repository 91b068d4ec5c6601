import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { folderOf } from '../../scripts/feature-pages.ts'
import type { HeldCell } from '../../src/cells/held.ts'
import type { CellRef } from '../../src/cells/pages.ts'
import { type CellTree, isBlock } from '../../src/cells/shape.ts'
import { loadConfig } from '../../src/config/load.ts'
import { loadDeps } from '../../src/config/load-deps.ts'
import type { RouteConfig } from '../../src/core/config.ts'
import type { AnyFeature, CellReader } from '../../src/core/feature.ts'
import { StateSlots } from '../../src/core/state-slot.ts'
import { routeUse } from '../../src/core/use.ts'
import { MemoryDownstream } from '../../src/data/ingress/memory.ts'
import { paramNames } from '../../src/data/routing/match.ts'
import { FEATURES } from '../../src/features/index.ts'
import { TestCells } from '../kit/cells.ts'
import { ManualClock } from '../kit/clock.ts'
import { EngineKit } from '../kit/engine.ts'
import { PEER } from '../kit/exchange.ts'
import { CompiledUse, CountedMetrics } from '../kit/feature.ts'
import { EXAMPLE_ENV, exampleFolder } from '../kit/feature-pages.ts'
import { blocks } from '../kit/markdown.ts'

const FOLDER = join(import.meta.dirname, '../../docs/features')

/** Every use of a feature on a route in the example of its own page. */
const USES = (await Promise.all(readdirSync(FOLDER).map(usesOf))).flat()

async function usesOf(page: string) {
  const [yaml = ''] = blocks(readFileSync(join(FOLDER, page), 'utf8'), 'yaml')
  const { file, remove } = await exampleFolder(yaml)
  const { config } = await loadConfig(file, loadDeps(EXAMPLE_ENV))
  await remove()
  return (config?.lean.routes ?? []).flatMap((route) =>
    FEATURES.filter(
      (feature) =>
        feature.keys.route !== undefined &&
        Object.hasOwn(route.features, feature.name) &&
        page === `${folderOf(feature)}.md`,
    ).map((feature) => ({ feature, route, title: `${feature.name} of route ${route.name}` })),
  )
}

/** How an exchange may end, from the moment that the engine has it. */
const ENDS: Readonly<Record<string, (kit: EngineKit) => void>> = {
  'the upstream answers': (kit) => answered(kit, 200),
  'the upstream fails': (kit) => answered(kit, 503),
  'the connection is reset': (kit) => reached(kit, () => kit.latest.fail({ reason: 'upstream_reset' })),
  'the endpoint refuses': (kit) => {
    begin(kit)
    if (kit.latest?.busy) kit.latest.fail({ reason: 'connect_refused' })
  },
  'the client leaves': (kit) => reached(kit, (client) => client.leave()),
  'the deadline passes': (kit) => reached(kit, () => kit.clock.advance(60_000)),
  'a stream ends': (kit) =>
    reached(kit, () => {
      kit.latest.events.onHead(200, ['content-type', 'text/event-stream'])
      kit.latest.finish()
    }),
}

function begin(kit: EngineKit): MemoryDownstream {
  const client = new MemoryDownstream({
    method: 'GET',
    target: '/',
    host: 'a.test',
    headers: [],
    peer: PEER,
    contentLength: 0,
  })
  kit.engine.handle(client)
  return client
}

/** `then`: once an upstream has the request, if it gets it. */
function reached(kit: EngineKit, then: (client: MemoryDownstream) => void): void {
  const client = begin(kit)
  if (!kit.latest?.busy) return
  kit.latest.connect()
  then(client)
}

function answered(kit: EngineKit, status: number): void {
  reached(kit, () => kit.latest.answer(status))
}

function kitOf({ clock, use }: Rig): EngineKit {
  const { upstreams } = use.use
  return new EngineKit({
    clock,
    policies: Object.values(use.policies),
    retries: { maxExtra: 0 },
    upstreams: Object.fromEntries((upstreams.length === 0 ? ['a'] : upstreams).map((name) => [name, 1])),
  })
}

/** The held cells among those that were leased for a tree. */
function heldCells(tree: CellTree | undefined, leased: unknown): CellRef[] {
  if (tree === undefined) return []
  const refs = leased as Readonly<Record<string, CellRef>>
  if (isBlock(tree))
    return Object.entries(tree.shapes).flatMap(([name, { kind }]) => (kind === 'held' ? [refs[name] as CellRef] : []))
  return Object.entries(tree).flatMap(([name, branch]) => heldCells(branch, refs[name]))
}

/** One use in a worker of its own. */
class Rig {
  readonly clock = new ManualClock()
  readonly metrics = new CountedMetrics()
  readonly cells = new TestCells()
  readonly slots = new StateSlots()
  readonly use: CompiledUse
  readonly held: readonly HeldCell[]

  constructor(feature: AnyFeature, route: RouteConfig) {
    const { options, upstreams } = routeUse(feature.name, route)
    this.use = new CompiledUse(feature, undefined, {
      read: { options },
      name: route.name,
      upstreams,
      paramNames: paramNames(route.match),
      clock: this.clock,
      testCells: this.cells,
      metrics: this.metrics,
      exchangeState: (name = '') => this.slots.of(name),
    })
    this.held = heldCells(feature.cells?.(this.use.use), this.use.cells).map((ref) => this.cells.space.held(ref))
  }

  get holds(): number {
    return this.held.reduce((sum, cell) => sum + cell.sum(), 0)
  }
}

test('every feature that routes may have is in an example', () => {
  const shown = new Set(USES.map(({ feature }) => feature.name))
  expect(FEATURES.filter(({ keys, name }) => keys.route !== undefined && !shown.has(name))).toEqual([])
})

describe.each(USES)('$title', ({ feature, route }) => {
  test('has policies at the places that it declares, under its own name', () => {
    const { policies } = new Rig(feature, route).use
    expect(Object.keys(policies).filter((place) => !Object.hasOwn(feature.places ?? {}, place))).toEqual([])
    expect(Object.values(policies).every(({ name }) => name === feature.name)).toBe(true)
  })

  test('asks for the same cells for the same use, and its use can be sent to a worker', () => {
    const { use } = new Rig(feature, route).use
    expect(JSON.stringify(feature.cells?.(structuredClone(use)))).toBe(JSON.stringify(feature.cells?.(use)))
  })

  test('counts what it declares, and shows numbers', () => {
    const rig = new Rig(feature, route)
    for (const end of Object.values(ENDS)) end(kitOf(rig))
    const counted = [...rig.metrics.counts.keys(), ...rig.metrics.observed.map(([series]) => series)]
    expect(counted.filter((series) => !Object.hasOwn(feature.metrics ?? {}, series.split(' ')[0] as string))).toEqual(
      [],
    )
    const { space } = rig.cells
    const look: CellReader = {
      sum: (ref) => space.held(ref).sum(),
      words: (ref) => space.int32(ref),
      window: (ref, ms) => space.window(ref, ms),
    }
    const numbers = Object.values(feature.figures ?? {}).map(({ of }) => of(rig.use.use, rig.use.cells, look) ?? 0)
    expect(numbers.filter((number) => !Number.isFinite(number))).toEqual([])
  })

  test('its states and events count in metrics of its own', () => {
    const { events = {}, metrics = {}, states } = feature
    const counters = [states, ...Object.values(events)].flatMap((row) => row?.counter?.metric ?? [])
    expect(counters.filter((name) => metrics[name]?.kind !== 'counter')).toEqual([])
  })

  test.each(Object.entries(ENDS))('gives back all that it holds when %s', async (_, end) => {
    const rig = new Rig(feature, route)
    const kit = kitOf(rig)
    for (let i = 0; i < 3; i++) end(kit)
    // A downstream tells the end after the call stack.
    await new Promise((resolve) => setImmediate(resolve))
    expect(kit.bugs).toEqual([])
    expect(rig.holds).toBe(0)
  })
})
