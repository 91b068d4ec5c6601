import { ROUTING_PLACES } from '../../config/language/route.ts'
import type { MatchConfig, RouteConfig, UpstreamConfig } from '../../core/config.ts'
import type { Fields } from '../../schema/composites.ts'
import { type Node, nodeOf, type Position } from '../../schema/node.ts'
import { nodeAt, placeOf } from '../../schema/path.ts'
import { conditionText } from './condition-text.ts'
import { type Leaf, leavesOf, textOf } from './leaves.ts'
import type { WrittenConfig } from './model.ts'
import { routeLeaves, shownText } from './policies.ts'
import { type ReachedEndpoint, reachedEndpoints } from './reach.ts'
import { hiddenConditions } from './secrets.ts'

/** A value that holds somewhere in a config. */
export interface Fact {
  /** As shown: secrets are hidden. */
  readonly text: string
  /** Equal if it means the same. */
  readonly meaning: string
  /** Of lists: their items, as shown. */
  readonly items: readonly string[] | undefined
  readonly at: Position
}

/** What holds for one route, upstream or listener, by key; built-in defaults included. */
export type FactMap = ReadonlyMap<string, Fact>

export type FactKind = 'routes' | 'upstreams' | 'listeners' | 'global'

/** Everything that a config says, by kind and name. What is global has the name ''. */
export type ConfigFacts = Readonly<Record<FactKind, ReadonlyMap<string, FactMap>>>

/** Keys that are listed elsewhere: by their meaning for each route and upstream. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  'apiVersion',
  'kind',
  'include',
  'routes',
  'upstreams',
  'listeners',
  'defaults',
  'profiles',
  'tests',
])
/** Keys of a route that are listed separately, or by their meaning. */
const TOLD_APART: ReadonlySet<string> = new Set(['match', 'precedence', 'use', 'to'])
/** Those of the others that routes without an upstream have, too. */
const ROUTING: ReadonlySet<string> = new Set(ROUTING_PLACES.map(({ name }) => name))

/** All that holds in a config. */
export function configFacts(written: WrittenConfig): ConfigFacts {
  const { config, language, tree } = written
  const { lean } = config
  const { fields } = language.root
  const hidden = hiddenConditions(tree)
  const rest = Object.keys(fields).filter((key) => !ELSEWHERE.has(key))
  return {
    routes: new Map(lean.routes.map((route) => [route.name, routeFacts(written, route, hidden)])),
    upstreams: new Map(lean.upstreams.map((upstream) => [upstream.name, upstreamFacts(written, upstream)])),
    listeners: new Map(lean.listeners.map(({ name }) => [name, treeFacts(tree, fields, ['listeners', name])])),
    global: new Map([['', new Map(rest.flatMap((key) => [...treeFacts(tree, fields, [key], 0)]))]]),
  }
}

function routeFacts(written: WrittenConfig, route: RouteConfig, hidden: ReadonlySet<string>): FactMap {
  const { language, tree } = written
  const at = (key: string): Position => placeOf(tree, ['routes', route.name, key])
  const matches = route.match.map((match) => matchText(match, hidden))
  const facts = new Map<string, Fact>([
    // Hidden values may differ, too.
    ['match', { ...listed(matches, at('match')), meaning: JSON.stringify(route.match) }],
    ['precedence', plain(String(route.precedence), at('precedence'))],
  ])
  const { to } = route
  if (to !== undefined) {
    const weighted = to.map(({ upstream, weight }) => `${upstream} (weight ${weight})`)
    facts.set('to', to.length === 1 ? plain(to[0]?.upstream ?? '', at('to')) : listed(weighted, at('to')))
  }
  const keys = Object.keys(language.route.fields).filter(
    (key) => !TOLD_APART.has(key) && (to !== undefined || key in route.features || ROUTING.has(key)),
  )
  return addLeaves(
    facts,
    keys.flatMap((key) => routeLeaves(written, route, key)),
  )
}

function upstreamFacts({ language, tree }: WrittenConfig, upstream: UpstreamConfig): FactMap {
  const path = ['upstreams', upstream.name]
  const facts = new Map(treeFacts(tree, language.root.fields, path))
  if (upstream.source === undefined)
    facts.set('endpoints', listed(reachedEndpoints(upstream).map(endpointText), placeOf(tree, [...path, 'endpoints'])))
  return facts
}

/** The values below a path whose first step is a key of the file. `cut`: how many of the steps are not told. */
function treeFacts(tree: Node, fields: Fields, path: readonly string[], cut: number = path.length): FactMap {
  const [top = '', ...names] = path
  const field = fields[top]
  const node = nodeAt(tree, path) ?? (field?.fallback === undefined ? undefined : nodeOf(field.fallback))
  if (field === undefined || node === undefined) return new Map()
  const schema =
    names.length === 0
      ? field.schema
      : (field.schema.inner?.find(({ step }) => step === '.NAME')?.schema ?? field.schema)
  return addLeaves(new Map(), leavesOf(schema, node, path), cut)
}

function addLeaves(facts: Map<string, Fact>, leaves: readonly Leaf[], cut = 0): FactMap {
  for (const leaf of leaves) {
    const { meaning, node, steps } = leaf
    const items = node.kind === 'list' ? node.items.map(textOf) : undefined
    facts.set(steps.slice(cut).join('.'), { text: shownText(leaf), meaning, items, at: node.at })
  }
  return facts
}

function endpointText({ maxConcurrent, tier, url, weight, zone }: ReachedEndpoint): string {
  const rest = [
    zone === undefined ? '' : ` zone ${zone}`,
    maxConcurrent === undefined ? '' : ` at most ${maxConcurrent}`,
  ]
  return `${url} weight ${weight} tier ${tier}${rest.join('')}`
}

function plain(text: string, at: Position): Fact {
  return { text, meaning: text, items: undefined, at }
}

function listed(items: readonly string[], at: Position): Fact {
  return { text: `[${items.join(', ')}]`, meaning: JSON.stringify(items), items, at }
}

function matchText(
  { headers, hosts, listeners, methods, paths, query }: MatchConfig,
  hidden: ReadonlySet<string>,
): string {
  const parts = [
    methods.join('|'),
    (hosts.length === 0 ? '' : hosts.join('|')) +
      (paths.length === 0 ? '/*' : paths.map(({ source }) => source).join('|')),
    ...(listeners.length === 0 ? [] : [`listener ${listeners.join('|')}`]),
    ...headers.map((condition) => `header ${conditionText(condition, hidden)}`),
    ...query.map((condition) => `query ${conditionText(condition, hidden)}`),
  ]
  return parts.filter((part) => part !== '').join(' ')
}
