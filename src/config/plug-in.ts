import type { AnyFeature, KeyPlace } from '../core/feature.ts'
import type { PluginModule } from '../core/plugin.ts'
import { balancingKeys } from '../data/upstreams/balancing-options.ts'
import type { Diagnostic } from '../schema/diagnostics.ts'
import type { Node, ScalarNode } from '../schema/node.ts'
import { type Language, language } from './language/language.ts'
import { listenerKeys } from './language/listener.ts'
import type { LoadDeps } from './load-deps.ts'
import type { Document } from './read/unite.ts'

/** What the plug-ins of a config make of the language. */
export interface PluggedIn {
  readonly language: Language
  readonly modules: readonly PluginModule[]
  /** Some are named, and their code must not run here: what is theirs is not known. */
  readonly skipped: boolean
  readonly diagnostics: readonly Diagnostic[]
}

const OTHER_CODE = 'is no plug-in of the live config; other code comes with the files only, not by the API'

/** Loads the plug-ins that the main files name. */
export async function plugIn(
  documents: readonly Document[],
  folder: string,
  { code, language: base, plugins, readFile }: Pick<LoadDeps, 'code' | 'language' | 'plugins' | 'readFile'>,
): Promise<PluggedIn> {
  const nodes = documents.flatMap(({ root }) => namesIn(root.entries.get('plugins')?.value))
  if (plugins === undefined) {
    const diagnostics = nodes.slice(0, 1).map((node) => notRun(node))
    return { language: base, modules: [], skipped: nodes.length > 0, diagnostics }
  }
  const names = nodes.map(({ text }) => text)
  const others = nodes.flatMap((node, i) => (code?.includes(node.text) === false ? [at(node, i, OTHER_CODE)] : []))
  if (others.length > 0) return { language: base, modules: [], skipped: false, diagnostics: others }
  const { features, modules, problems } = await plugins.load(names, folder, readFile)
  if (modules.length === 0 && problems.length === 0) return { language: base, modules, skipped: false, diagnostics: [] }
  const diagnostics = [
    ...problems.map(({ entry, message }) => at(nodes[entry], entry, message)),
    ...features.flatMap((feature) => {
      const entry = names.indexOf(feature.plugin ?? '')
      return entry === -1 ? [] : coreKeys(feature, base).map((message) => at(nodes[entry], entry, message))
    }),
  ]
  return { language: diagnostics.length > 0 ? base : language(features), modules, skipped: false, diagnostics }
}

/** Names in the list; what else is in it, its schema reports. */
function namesIn(list: Node | undefined): readonly ScalarNode[] {
  if (list?.kind !== 'list') return []
  return list.items.flatMap((item) => {
    const named = item.kind === 'map' ? item.entries.get('module')?.value : item
    return named?.kind === 'scalar' ? [named] : []
  })
}

function notRun({ at }: Node): Diagnostic {
  const message = 'not loaded: what only plug-ins know is not checked; --plugins runs their code'
  return { severity: 'warning', at, path: 'plugins', message }
}

function at(node: Node | undefined, entry: number, message: string): Diagnostic {
  const name = node?.kind === 'scalar' ? `${node.text}: ` : ''
  const place = node?.at ?? { file: '', line: 0, column: 0 }
  return { severity: 'error', at: place, path: `plugins[${entry}]`, message: `${name}${message}` }
}

/** Keys of a plug-in that are Sluice's own, although no feature has them. */
function coreKeys({ keys, name }: AnyFeature, { root, route, upstream }: Language): string[] {
  const known: Readonly<Record<KeyPlace, object>> = {
    root: root.fields,
    route: route.fields,
    upstream: upstream.fields,
    listener: listenerKeys.fields,
    loadBalancing: balancingKeys([]).fields,
  }
  return Object.keys(keys)
    .filter((place) => Object.hasOwn(known[place as KeyPlace], name))
    .map((place) => `the feature ${JSON.stringify(name)}: keys.${place}: ${name} is a key of Sluice there`)
}
