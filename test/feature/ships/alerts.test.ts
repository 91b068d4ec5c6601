import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { FAILURES } from '../../../src/core/failures.ts'
import { metricTable } from '../../../src/core/metrics.ts'
import { FEATURES } from '../../../src/features/index.ts'
import { section, tableRows } from '../../kit/markdown.ts'
import { Prometheus, promtool, withoutPrometheus } from '../../kit/prometheus.ts'
import { ROOT } from './kit/image.ts'

const TABLE = metricTable(FEATURES)

const RULES = join(ROOT, 'config/prometheus/rules.yaml')
const TESTS = join(ROOT, 'test/feature/ships/rules')
const RUNBOOKS = join(ROOT, 'docs/runbooks')

interface Rule {
  readonly record?: string
  readonly alert?: string
  readonly expr: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

interface RuleTest {
  readonly input_series: readonly { readonly series: string }[]
  readonly promql_expr_test?: readonly { readonly exp_samples: readonly { readonly labels: string }[] }[]
  readonly alert_rule_test?: readonly { readonly alertname: string; readonly exp_alerts: readonly unknown[] }[]
}

const text = readFileSync(RULES, 'utf8')
const rules = (parse(text) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules)
const recorded = new Map(rules.flatMap(({ record, expr }) => (record === undefined ? [] : [[record, expr] as const])))
const alerts = rules.filter(({ alert }) => alert !== undefined)
const names = alerts.map(({ alert }) => alert as string)
const files = readdirSync(TESTS).map((file) => join(TESTS, file))
const tests = files.flatMap((file) => (parse(readFileSync(file, 'utf8')) as { tests: RuleTest[] }).tests)

/** Metrics that an expression speaks of, recorded ones resolved. */
function metricsIn(expr: string): string[] {
  const direct = expr.replace(/\broute:\w+:\w+/g, '').match(/\b(?:sluice|process)_\w+|\bup\b/g) ?? []
  const ours = (expr.match(/\broute:\w+:\w+/g) ?? []).flatMap((name) => metricsIn(recorded.get(name) ?? ''))
  const labels = new Set(Object.values(TABLE).flatMap((metric) => metric.labels as readonly string[]))
  return [...new Set([...direct, ...ours])].filter((name) => !labels.has(name))
}

function unknownMetrics(content: string): string[] {
  const used = content.match(/\bsluice_\w+/g) ?? []
  return used.filter(
    (name) => !Object.hasOwn(TABLE, name) && !Object.hasOwn(TABLE, name.replace(/_(bucket|sum|count)$/, '')),
  )
}

describe.skipIf(withoutPrometheus())('promtool', () => {
  test('takes the rules', () => {
    const { ok, said } = promtool('check', 'rules', RULES)
    expect(ok, said).toBe(true)
  })

  test.each(files)('finds that alerts fire and do not: %s', { timeout: 60_000 }, (file) => {
    const { ok, said } = promtool('test', 'rules', file)
    expect(ok, said).toBe(true)
  })
})

describe.each(alerts)('$alert', ({ alert, expr, labels, annotations }) => {
  const isThere = (series: RuleTest['input_series'], metric: string): boolean =>
    series.some((one) => new RegExp(`^${metric}\\b`).test(one.series))

  test('has a test in which it fires', () => {
    const fires = tests.some(({ promql_expr_test = [] }) =>
      promql_expr_test.some(({ exp_samples }) =>
        exp_samples.some((one) => one.labels.includes(`alertname="${alert}"`)),
      ),
    )
    expect(fires).toBe(true)
  })

  test('has a test in which it does not, although all of its metrics are there', () => {
    const quiet = tests.filter(({ alert_rule_test = [], input_series }) => {
      const silent = alert_rule_test.some((one) => one.alertname === alert && one.exp_alerts.length === 0)
      return silent && metricsIn(expr).every((metric) => isThere(input_series, metric))
    })
    expect(metricsIn(expr)).not.toEqual([])
    expect(quiet).not.toEqual([])
  })

  test('says how bad it is, what it means and where to read on', () => {
    expect(['critical', 'warning']).toContain(labels?.severity)
    expect(Object.keys(annotations ?? {})).toEqual(['summary', 'description', 'runbook_url'])
    expect(annotations?.runbook_url).toBe(`docs/runbooks/${alert}.md`)
  })
})

test('the rules speak of metrics and reasons that there are', () => {
  expect(unknownMetrics(text.replace(/route:\w+:\w+/g, ''))).toEqual([])
  const reasons = [...text.matchAll(/\breason=~"([^"]+)"/g)].flatMap(([, list = '']) => list.split('|'))
  expect(reasons).not.toEqual([])
  expect(reasons.filter((reason) => !Object.hasOwn(FAILURES, reason))).toEqual([])
})

test('each alert has a runbook, and each runbook an alert', () => {
  const pages = readdirSync(RUNBOOKS).map((file) => file.replace(/\.md$/, ''))
  expect(pages.toSorted()).toEqual(names.toSorted())
})

describe.each(names)('the runbook of %s', (name) => {
  const page = readFileSync(join(RUNBOOKS, `${name}.md`), 'utf8')

  test('has its parts, and the severity of the alert', () => {
    const parts = ['## What it means', '## What Sluice does by itself', '## What to do']
    expect(page.match(/^#.*$/gm)).toEqual([`# ${name}`, ...parts])
    for (const part of parts) expect(section(page, part).trim()).not.toBe('')
    const severity = alerts.find(({ alert }) => alert === name)?.labels?.severity
    expect(page).toContain(`\nSeverity: ${severity}.`)
  })

  test('names metrics and commands that there are', () => {
    expect(unknownMetrics(page.replace(/route:\w+:\w+/g, ''))).toEqual([])
    for (const [record] of page.matchAll(/\broute:\w+:\w+/g)) expect([...recorded.keys()]).toContain(record)
    const table = tableRows(section(readFileSync(join(ROOT, 'docs/operations/running.md'), 'utf8'), '## Commands'))
    const commands = new Set(
      table.flatMap(([cell = '']) => [...cell.matchAll(/`sluice (\w+)/g)].map((match) => match[1])),
    )
    const named = [...page.matchAll(/(?:^ *|`)sluice (\w+)/gm)].map((match) => match[1])
    expect(named).not.toEqual([])
    expect(named.filter((command) => !commands.has(command))).toEqual([])
  })
})

describe.skipIf(withoutPrometheus())('Prometheus', () => {
  let prometheus: Prometheus

  beforeAll(async () => {
    prometheus = await Prometheus.start([], text)
  })

  afterAll(() => prometheus?.stop())

  test.each(names)('takes the queries of the runbook of %s', async (name) => {
    const page = readFileSync(join(RUNBOOKS, `${name}.md`), 'utf8')
    const queries = [...page.matchAll(/^ *```promql\n([\s\S]+?)^ *```/gm)].flatMap(([, lines = '']) =>
      lines.trim().split('\n'),
    )
    expect(queries).not.toEqual([])
    for (const query of queries) expect(await prometheus.query(query), query).toEqual([])
  })
})
