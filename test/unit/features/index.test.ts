import { expect, test } from 'vitest'
import type { LeanRoute } from '../../../src/core/protocol.ts'
import { type CompiledUse, RouteFeatures } from '../../../src/data/engine/compile-features.ts'
import { FEATURES } from '../../../src/features/index.ts'
import { StartedHalf } from '../../kit/control-half.ts'
import { featureDeps } from '../../kit/feature.ts'
import { HEAD } from '../../kit/lean.ts'

const ROUTE = {
  name: 'r',
  match: [],
  to: undefined,
  alternates: [],
  reach: {},
  cells: { features: {} },
} as unknown as LeanRoute

function compile(
  features: Readonly<Record<string, unknown>>,
  before?: ReadonlyMap<string, CompiledUse>,
  reach: LeanRoute['reach'] = {},
) {
  return all.compile({ ...ROUTE, features, reach }, HEAD, before, featureDeps())
}

const all = new RouteFeatures(FEATURES)

test('the list is in stage order', () => {
  const stages = FEATURES.flatMap(({ places }) =>
    places === undefined ? [] : Math.min(...Object.values(places).map(({ stage }) => stage)),
  )
  expect(stages).toEqual(stages.toSorted((a, b) => a - b))
})

test('every feature has a name of its own and a reason for each of its places', () => {
  expect(new Set(FEATURES.map(({ name }) => name)).size).toBe(FEATURES.length)
  for (const { places = {} } of FEATURES)
    for (const { why } of Object.values(places)) expect(why).toMatch(/^[A-Z].*\.$/)
})

test('no two features have a metric, a figure or a decision of the same name', () => {
  for (const kind of ['metrics', 'figures', 'decisions'] as const) {
    const names = FEATURES.flatMap((feature) => Object.keys(feature[kind] ?? {}))
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([])
  }
})

test('every gauge is shown by a figure or by the control half', async () => {
  for (const feature of FEATURES) {
    const { control, figures = {}, metrics = {}, states } = feature
    const half = await control?.()
    const { gauges: read = {} } = half === undefined ? {} : new StartedHalf(feature, half.control).half
    const gauges = Object.entries(metrics).flatMap(([name, { kind }]) => (kind === 'gauge' ? [name] : []))
    const shown = Object.values(figures).flatMap(({ metric }) => metric ?? [])
    if (states?.gauge !== undefined) shown.push(states.gauge)
    expect(gauges.toSorted()).toEqual([...shown, ...Object.keys(read)].toSorted())
  }
})

test('what lasts has lists and kinds of its own, a normal state, and metrics of the feature with its labels', () => {
  const tables = FEATURES.flatMap(({ metrics = {}, states }) => (states === undefined ? [] : [{ metrics, ...states }]))
  expect(tables.length).toBeGreaterThan(0)
  for (const name of ['kind', 'list'] as const)
    expect(new Set(tables.map((table) => table[name])).size).toBe(tables.length)
  for (const { counter, gauge, labels, metrics, normal, states } of tables) {
    expect(states[normal]?.level).toBe('good')
    if (gauge !== undefined) expect(metrics[gauge]?.labels).toEqual([...labels, 'state'])
    for (const [state, { facts, sentence }] of Object.entries(states)) {
      expect(sentence(undefined), state).toMatch(/^[a-z].*[^.]$/)
      const some = Object.fromEntries(
        Object.entries(facts).map(([name, { type }]) => [name, type === 'number' ? 1 : name]),
      )
      const counted = counter?.labels(labels, state, some)
      if (counter !== undefined) expect(counted).toHaveLength(metrics[counter.metric]?.labels.length ?? 0)
    }
  }
})

test('a route gets what it has options for, in stage order, whatever their order', () => {
  const compiled = compile({ respond: { status: 200 }, headers: { request: {} }, rewrite: { stripPrefix: '/a' } })
  expect(all.inOrder(new Map(), compiled).map(({ name }) => name)).toEqual(['rewrite', 'respond'])
})

test('what would be made of the same is used again', () => {
  const before = compile({ respond: { status: 200 }, rewrite: { stripPrefix: '/a' } })
  const after = compile({ respond: { status: 201 }, rewrite: { stripPrefix: '/a' } }, before)
  expect(after.get('rewrite')).toBe(before.get('rewrite'))
  expect(after.get('respond')).not.toBe(before.get('respond'))
  const reached = compile({ rewrite: { stripPrefix: '/a' } }, before, { rewrite: { party: { me: {} } } })
  expect(reached.get('rewrite')).not.toBe(before.get('rewrite'))
})

test('an unknown feature is an error', () => {
  expect(() => compile({ respond: { status: 200 }, breaker: {} })).toThrow('breaker')
})
