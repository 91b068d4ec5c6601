import type { KeyDoc } from '../src/config/language/key-docs.ts'
import type { Decision, FactShapes, FactValue } from '../src/core/decision.ts'
import type { AnyFeature } from '../src/core/feature.ts'
import type { MetricTable } from '../src/core/metric.ts'
import { metricTable } from '../src/core/metrics.ts'
import { FEATURES } from '../src/features/index.ts'
import { filledBlocks } from './blocks.ts'
import { about, keyTable } from './key-table.ts'

/** The name of a feature's folder, page and tests: `circuit-breaker` of `circuitBreaker`. */
export function folderOf({ name }: Pick<AnyFeature, 'name'>): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** docs/README.md with its list of features. `pages`: by their names, `streams.md`. */
export function filledIndex(index: string, pages: ReadonlyMap<string, string>): string {
  const lines = [...pages].map(([name, page]) => {
    const feature = FEATURES.find((candidate) => `${folderOf(candidate)}.md` === name)
    const [title = '', lead = ''] = page.slice('# '.length).split('\n\n')
    const sentence = feature?.doc ?? lead.replaceAll('\n', ' ').replace(/\. .*$/, '.')
    return `- [${title}](features/${name}): ${sentence}`
  })
  return filledBlocks(index, 'features', () => lines.toSorted().join('\n'))
}

/** A page of a feature with its blocks filled in. Throws where a block names what there is not. */
export function filledPage(page: string, keys: readonly KeyDoc[]): string {
  let filled = filledBlocks(page, 'keys', (paths) => each(paths, (path) => keysAt(path, keys)).join('\n'))
  filled = filledMetrics(filled)
  filled = filledBlocks(filled, 'decisions', (name) => DECISIONS + decisionRows(name).join(''))
  return filledBlocks(filled, 'states', (name) => STATES + stateRows(name).join(''))
}

const METRICS = '| metric | type | labels | meaning |\n|---|---|---|---|\n'
const STATES = '| state | means | facts of a change | in the operational log |\n|---|---|---|---|\n'
const DECISIONS = '| decision | means | facts | in `sluice why` | event of the span |\n|---|---|---|---|---|\n'

function each(list: string, text: (name: string) => string): string[] {
  return list.split(', ').map(text)
}

/** A key and those below it, told without the path that they share. */
function keysAt(path: string, keys: readonly KeyDoc[]): string {
  const below = keys.filter((key) => key.path.startsWith(`${path}.`) || key.path.startsWith(`${path}[].`))
  const own = keys.find((key) => key.path === path)
  if (own === undefined) throw new Error(`there is no key ${path}`)
  if (below.length === 0) return keyTable([own])
  const rows = below.map((key) => ({ ...key, path: key.path.slice(path.length).replace(/^(\[\])?\./, '') }))
  return `\`${path}\`: ${own.doc}${about(own)}\n\n${keyTable(rows)}`
}

/** A page with its tables of metrics; `all`: every one there is. */
export function filledMetrics(page: string): string {
  const table = metricTable(FEATURES)
  return filledBlocks(page, 'metrics', (names) => {
    const wanted = names === 'all' ? Object.keys(table).toSorted() : names.split(', ')
    return METRICS + wanted.map((name) => metricRow(name, table)).join('')
  })
}

function metricRow(name: string, table: MetricTable): string {
  const metric = table[name]
  if (metric === undefined) throw new Error(`there is no metric ${name}`)
  const { help, kind, labels } = metric
  return `| \`${name}\` | ${kind} | ${labels.map((label) => `\`${label}\``).join(' ')} | ${withCode(help)} |\n`
}

/** Names of keys and values in a plain sentence, as code: `half_open`, `connections.max`. */
function withCode(text: string): string {
  return text.replace(/\b[a-z0-9A-Z]+(?:[._][a-zA-Z0-9]+)+\b/g, (name) => (/^\d/.test(name) ? name : `\`${name}\``))
}

function decisionRows(name: string): string[] {
  const decisions = Object.entries(FEATURES.find((feature) => feature.name === name)?.decisions ?? {})
  if (decisions.length === 0) throw new Error(`${name} has no decisions`)
  return decisions.map(([kind, row]) => {
    const event = row.event === undefined ? '' : `\`sluice.${row.event}\``
    return `| \`${kind}\` | ${row.doc} | ${factsCell(row.facts)} | ${row.story === false ? '' : example(row)} | ${event} |\n`
  })
}

function stateRows(name: string): string[] {
  const feature = FEATURES.find((feature) => feature.name === name)
  const { states } = feature?.states ?? feature?.endpointStates ?? {}
  if (states === undefined) throw new Error(`${name} has no states`)
  return Object.entries(states).map(
    ([state, { doc, facts, log }]) =>
      `| \`${state}\` | ${doc} | ${factsCell(facts)} | ${log.level}: \`${log.message}\` |\n`,
  )
}

function factsCell(facts: FactShapes): string {
  return Object.entries(facts)
    .map(([fact, { doc }]) => `\`${fact}\`: ${doc}`)
    .join('<br>')
}

/** The sentence with values as they might be. */
function example({ facts, sentence }: Decision): string {
  const values = Object.entries(facts).map(([name, { type }]): [string, FactValue] => [
    name,
    type === 'number' ? 250 : type === 'boolean' ? true : `{${name}}`,
  ])
  return sentence(Object.fromEntries(values) as never)
}
