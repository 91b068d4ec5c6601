import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { metricTable } from '../../../src/core/metrics.ts'
import { FEATURES } from '../../../src/features/index.ts'
import { Prometheus, withoutPrometheus } from '../../kit/prometheus.ts'
import { type Dashboard, filledIn, GRAFANA_JSON } from './kit/grafana.ts'
import { ROOT } from './kit/image.ts'

const TABLE = metricTable(FEATURES)

const dashboard = JSON.parse(GRAFANA_JSON) as Dashboard
const recorded = readFileSync(join(ROOT, 'config/prometheus/rules.yaml'), 'utf8')
const panels = dashboard.panels.filter(({ type }) => type !== 'row')
const targets = panels.flatMap(({ title, targets: list = [] }) => list.map((target) => ({ title, ...target })))
const variables = dashboard.templating.list

test('has a fixed uid, its variables, and no data source but the one that is chosen', () => {
  expect(dashboard.uid).toBe('sluice')
  expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(41)
  expect(variables.map(({ name }) => name)).toEqual(['datasource', 'gateway', 'instance', 'route', 'upstream'])
  const sources = [...GRAFANA_JSON.matchAll(/"uid": "([^"]+)"/g)]
    .map((match) => match[1])
    .filter((uid) => uid !== 'sluice')
  expect(new Set(sources)).toEqual(new Set(['$datasource']))
  for (const panel of [...panels, ...targets]) expect(panel.datasource?.uid, panel.title).toBe('$datasource')
})

test('has a row for each part, and panels that do not overlap', () => {
  expect(dashboard.panels.filter(({ type }) => type === 'row').map(({ title }) => title)).toEqual([
    'Traffic',
    'Errors',
    'Latency',
    'Saturation',
    'Circuit breakers',
    'Endpoints',
    'Retries and budget',
    'Queues and bulkheads',
    'Config and workers',
    'Objectives',
  ])
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length)
  const taken = new Set<string>()
  for (const { gridPos, title } of dashboard.panels) {
    expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24)
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        expect(taken.has(`${x} ${y}`), title).toBe(false)
        taken.add(`${x} ${y}`)
      }
    }
  }
})

/** The metric, what of its histogram, and the labels that a selector asks for. */
const SELECTOR = /\b((?:sluice|process|nodejs)_\w+?)(_bucket|_sum|_count)?(?:\{([^}]*)\})/g

test.each(targets)('$title asks for metrics and labels that there are: $expr', ({ expr, legendFormat }) => {
  for (const [name] of expr.matchAll(/\broute:\w+:\w+/g)) expect(recorded).toContain(`record: ${name}\n`)
  const own = [...expr.replace(/\broute:\w+:\w+/g, '').matchAll(SELECTOR)].filter(([, name]) =>
    name?.startsWith('sluice'),
  )
  const known = new Set(['job', 'instance', 'objective', 'route', 'worker'])
  for (const [, name = '', part, selector = ''] of own) {
    const metric = TABLE[name]
    expect(metric, name).toBeDefined()
    expect(metric?.kind === 'histogram', `${name}${part ?? ''}`).toBe(part !== undefined)
    for (const [, label = ''] of selector.matchAll(/(\w+)[!=]/g)) {
      expect(['job', 'instance', ...(metric?.labels ?? [])], name).toContain(label)
    }
    for (const label of metric?.labels ?? []) known.add(label)
  }
  for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) expect([...known, 'le']).toContain(label)
})

describe.skipIf(withoutPrometheus())('Prometheus', () => {
  let prometheus: Prometheus

  beforeAll(async () => {
    prometheus = await Prometheus.start([], 'groups: []\n')
  })

  afterAll(() => prometheus?.stop())

  test.each(targets)('takes the query of $title: $expr', async ({ expr }) => {
    expect(await prometheus.query(filledIn(expr))).toEqual([])
  })

  test('refuses what is no query', async () => {
    await expect(prometheus.query('sum by (route (x)')).rejects.toThrow(/parse error/)
  })
})
