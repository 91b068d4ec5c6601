import { algorithmsOf } from '../core/feature.ts'
import { balancingKeys } from '../data/upstreams/balancing-options.ts'
import type { Fields, ObjectRules } from '../schema/composites.ts'
import { type Diagnostic, suggestion } from '../schema/diagnostics.ts'
import { type MapEntry, type MapNode, type Node, nodeOf } from '../schema/node.ts'
import { type Path, pathText } from '../schema/path.ts'
import type { Language } from './language/language.ts'
import { listenerKeys } from './language/listener.ts'

/** A config without what only plug-ins could own. */
export interface Unplugged {
  readonly root: Node
  /** Routes of which something was left out: a plug-in may answer them. */
  readonly routes: ReadonlySet<string>
  readonly diagnostics: readonly Diagnostic[]
}

/** Keys that are known at a place. */
interface Known {
  readonly fields: Fields
  readonly rules: ObjectRules
}

const ANY = '*'

/** What is said of a key; the reader may have meant another one. */
export const NOT_CHECKED = 'not checked: only a plug-in can own it; --plugins loads them'

/** What was written, without what no feature of `language` has: plug-ins that were not loaded may have it. */
export function unplugged(root: Node, language: Language): Unplugged {
  const { features } = language
  const routes = new Set<string>()
  const diagnostics: Diagnostic[] = []
  const algorithms = algorithmsOf(features)
  const sources = features.flatMap(({ provides }) => provides?.sources ?? []).map(({ key }) => key)
  const leaveOut = (at: Node['at'], path: Path, candidates: Iterable<string>): void => {
    const near = suggestion(String(path.at(-1)), candidates)
    const message = near === undefined ? NOT_CHECKED : `${NOT_CHECKED}; or did you mean ${near}?`
    diagnostics.push({ severity: 'warning', at, path: pathText(path), message })
    if (path[0] === 'routes') routes.add(String(path[1]))
  }
  const onlyKnown = (map: MapNode, path: Path, { fields, rules }: Known): MapNode => {
    const known = ([key, { key: at }]: [string, MapEntry]): boolean => {
      if (Object.hasOwn(fields, key) || Object.hasOwn(rules.misplaced ?? {}, key) || key.startsWith('x-')) return true
      leaveOut(at, [...path, key], Object.keys(fields))
      return false
    }
    return { ...map, entries: new Map([...map.entries].filter(known)) }
  }
  const ownAlgorithm = (map: MapNode, path: Path): MapNode => {
    const algorithm = map.entries.get('algorithm')?.value
    if (algorithm?.kind !== 'scalar' || algorithms.has(algorithm.text)) return map
    leaveOut(algorithm.at, [...path, 'algorithm'], [])
    return { ...map, entries: new Map([...map.entries].filter(([key]) => key !== 'algorithm')) }
  }
  const ownSource = (map: MapNode, path: Path): MapNode => {
    const endpoints = map.entries.get('endpoints')
    if (endpoints?.value.kind !== 'map' || sources.some((key) => nodeHas(endpoints.value, key))) return map
    leaveOut(endpoints.value.at, [...path, 'endpoints'], [])
    const entry = { ...endpoints, value: nodeOf(['http://localhost:1'], endpoints.value.at) }
    return { ...map, entries: new Map([...map.entries, ['endpoints', entry]]) }
  }
  let tree = root
  for (const [pattern, known] of placesOf(language))
    tree = changed(tree, pattern, (map, path) => onlyKnown(map, path, known))
  tree = changed(tree, ['upstreams', ANY], ownSource)
  tree = changed(tree, ['upstreams', ANY, 'loadBalancing'], ownAlgorithm)
  tree = changed(tree, ['defaults', 'upstream', 'loadBalancing'], ownAlgorithm)
  return { root: tree, routes, diagnostics }
}

/** Where features have keys. */
function placesOf({ features, root, route, upstream }: Language): readonly (readonly [Path, Known])[] {
  const withKeys = (level: 'listener' | 'loadBalancing', { fields, rules }: Known): Known => {
    const own = features.filter(({ keys }) => keys[level] !== undefined).map(({ name }) => [name, {}])
    return { fields: { ...fields, ...Object.fromEntries(own) }, rules }
  }
  const balancing = withKeys('loadBalancing', balancingKeys([]))
  return [
    [[], root],
    [['listeners', ANY], withKeys('listener', listenerKeys)],
    [['upstreams', ANY], upstream],
    [['upstreams', ANY, 'loadBalancing'], balancing],
    [['defaults', 'upstream'], upstream],
    [['defaults', 'upstream', 'loadBalancing'], balancing],
    [['routes', ANY], route],
    [['defaults', 'route'], route],
    [['profiles', ANY], route],
  ]
}

function nodeHas(node: Node, key: string): boolean {
  return node.kind === 'map' && node.entries.has(key)
}

/** The tree with other maps at the places of a pattern. */
function changed(node: Node, pattern: Path, change: (map: MapNode, path: Path) => MapNode, path: Path = []): Node {
  if (node.kind !== 'map') return node
  const [step, ...rest] = pattern
  if (step === undefined) return change(node, path)
  const entries = [...node.entries].map(([key, entry]): [string, MapEntry] => {
    if (step !== ANY && step !== key) return [key, entry]
    return [key, { ...entry, value: changed(entry.value, rest, change, [...path, key]) }]
  })
  return { ...node, entries: new Map(entries) }
}
