import { dirname, join } from 'node:path'

/** Rows of the layout, lowest first: a file imports from its own row's folder and from smaller rows only. */
const ROWS: readonly (readonly string[])[] = [
  ['src/lib'],
  ['src/schema'],
  ['src/cells'],
  ['src/core'],
  ['src/link'],
  ['src/stores/calls'],
  ['src/stores/memory', 'src/stores/sqlite'],
  ['src/stores'],
  ['src/http'],
  // Each feature is a folder of its own, below the list of all of them.
  ['src/features/*'],
  ['src/features'],
  ['src/plugins'],
  ['src/data/upstreams', 'src/data/routing', 'src/data/seeing', 'src/data/link'],
  ['src/config/read'],
  // What a feature does in the control plane: a file, and a folder for what it needs.
  ['src/features/*/control'],
  ['src/features/*/control.ts'],
  ['src/config/upgrade'],
  ['src/config/language'],
  ['src/config/judge'],
  ['src/features/*/lints.ts'],
  ['src/config'],
  ['src/config/sources'],
  ['src/tools/import'],
  ['src/data/engine'],
  ['src/data/ingress/accept'],
  ['src/data/ingress/common'],
  ['src/data/ingress/http1', 'src/data/ingress/node', 'src/data/ingress/foreign'],
  ['src/data/ingress'],
  ['src/data'],
  ['src/tools/explain', 'src/tools/demo', 'src/tools/drill'],
  ['src/tools/scenarios'],
  ['src/control/contract.ts'],
  ['src/control/machine', 'src/control/registry'],
  ['src/control/workers', 'src/control/endpoints'],
  ['src/control/operations'],
  ['src/control/seeing'],
  ['src/control/admin'],
  ['src/control'],
  ['src/embed'],
  ['src'],
]

const SDK = /^src\/control\/seeing\/export\/sdk-(spans|metrics)\.ts$/

/** Files that alone may import a package: its traps live in one place. */
const HOMES: Readonly<Record<string, RegExp>> = {
  fastify: /^src\/(control\/admin\/(app|application|on-demand|admin-plane)|plugins\/fastify-handler)\.ts$/,
  undici: /^src\/(control\/seeing\/export\/collector|config\/sources\/fetch-text)\.ts$/,
  'prom-client': /^src\/control\/seeing\/metrics\/process-metrics\.ts$/,
  '@opentelemetry/api': SDK,
  '@opentelemetry/otlp-transformer': SDK,
  '@opentelemetry/resources': SDK,
  '@opentelemetry/sdk-metrics': SDK,
  '@opentelemetry/sdk-trace': SDK,
  opossum: /^src\/stores\/guard\.ts$/,
  uplot: /^src\/control\/admin\/dashboard\//,
  ws: /^src\/features\/websocket\//,
  yaml: /^src\/(config\/(read\/(document|comments|faults)|upgrade\/rewrite\/yaml)|tools\/import\/common\/write)\.ts$/,
}

/** To be taken from a file of our own: an import loads more than is needed. Types may be imported. */
const TAKEN: Readonly<Record<string, string>> = { 'node:http': 'src/lib/node-http.ts' }

/** Node's modules that only some parts may touch. */
const NODE_HOMES: Readonly<Record<string, RegExp>> = {
  'node:http': /^src\/((data\/ingress|tools\/demo|tools\/drill|control\/admin|embed)\/|lib\/node-http\.ts$)/,
  'node:net':
    /^src\/((config|http|tools|data\/ingress|data\/upstreams\/transports|control|lib)\/|data\/\w+\/options\.ts$)/,
  'node:tls': /^src\/data\/(ingress|upstreams\/transports)\//,
  'node:dns': /^src\/(control\/endpoints\/finding|features\/[^/]+\/control)\//,
  'node:fs':
    /^src\/((cli|config|control|embed|features\/[^/]+\/control|stores\/sqlite)\/|features\/respond\/disk\.ts$|lib\/(folders|write-whole)\.ts$)/,
  'node:worker_threads': /^src\/(control\/|stores\/sqlite\/|data\/worker\.ts$)/,
  // No worker loads it: the permission model does not cover it.
  'node:sqlite': /^src\/stores\/sqlite\//,
  'node:child_process': /^$/,
}

/** What is wrong with the imports of one file; `type` imports count. */
export function badImports(file: string, text: string): string[] {
  const problems: string[] = []
  for (const [i, line] of text.split('\n').entries()) {
    const from = /^(?:import|export)\b.*\bfrom '([^']+)'|^} from '([^']+)'|^import '([^']+)'/.exec(line)
    const lazy = /\bimport\('([^']+)'\)/.exec(line)
    if (isOwnHalf(file, lazy?.[1])) continue
    const target = from?.[1] ?? from?.[2] ?? from?.[3] ?? lazy?.[1]
    const values = !/^import type |\btypeof import\(/.test(line)
    const why = target === undefined ? undefined : problemOf(file, target, values)
    if (why !== undefined) problems.push(`${file}:${i + 1}: ${target}: ${why}`)
  }
  return problems
}

/** A feature names its half for the control plane and its lints, which are loaded where they are needed. */
function isOwnHalf(file: string, lazy: string | undefined): boolean {
  return (lazy === './control.ts' || lazy === './lints.ts') && /^src\/features\/[^/]+\/feature\.ts$/.test(file)
}

function problemOf(file: string, target: string, values: boolean): string | undefined {
  if (target.startsWith('.')) {
    const path = join(dirname(file), target)
    const [module] = Object.entries(TAKEN).find(([, from]) => from === path) ?? []
    return layerProblem(file, path) ?? (module && homeProblem(file, module))
  }
  const from = TAKEN[target]
  if (from !== undefined && values) return `to be taken from ${from}`
  return homeProblem(file, target)
}

function homeProblem(file: string, target: string): string | undefined {
  const home = target.startsWith('node:') ? NODE_HOMES[target.replace(/\/promises$/, '')] : HOMES[target]
  if (home === undefined) return target.startsWith('node:') ? undefined : 'a package without a home'
  return home.test(file) ? undefined : 'not one of the files that may use it'
}

function layerProblem(file: string, target: string): string | undefined {
  const [from, to] = [place(file), place(target)]
  if (to.row > from.row) return 'from a larger row'
  if (to.row === from.row && to.folder !== from.folder) return 'sideways'
  const above = dirname(target)
  const nested = dirname(file).startsWith(`${above}/`) && above.startsWith(from.folder)
  if (nested && to.row === from.row && !target.endsWith('/contract.ts'))
    return 'a subfolder takes contract.ts of its parent only'
  return undefined
}

/** The folder of a row that a file belongs to. */
export function folderOf(file: string): string {
  return place(file).folder
}

/** That of the longest name. */
function place(file: string): { row: number; folder: string } {
  const places = ROWS.flatMap((folders, row) =>
    folders.flatMap((name) => {
      const end = name.endsWith('.ts') ? '$' : '(?=/)'
      const found = new RegExp(`^${name.replace('*', '[^/]+')}${end}`).exec(file)
      return found === null ? [] : [{ row, folder: found[0] }]
    }),
  )
  const [first, ...others] = places
  if (first === undefined) throw new Error(`${file} belongs to no row`)
  return others.reduce((best, next) => (next.folder.length > best.folder.length ? next : best), first)
}

/** Files that are loaded at once with this one: `type` imports and lazy ones are not. */
export function loadedWith(entry: string, read: (file: string) => string): ReadonlySet<string> {
  const loaded = new Set<string>([entry])
  for (const file of loaded) {
    for (const [, named] of read(file).matchAll(/^(?:import|export)\b(?! type\b)[^;]*?\bfrom '(\.[^']+)'/gm))
      loaded.add(join(dirname(file), named as string))
  }
  return loaded
}
