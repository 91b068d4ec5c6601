import { resolve } from 'node:path'
import { type Diagnostic, sortDiagnostics } from '../schema/diagnostics.ts'
import { type Node, placeKey } from '../schema/node.ts'
import { At, type FileContent, type Files, INVALID } from '../schema/schema.ts'
import { type Marked, marksIn } from '../schema/walk.ts'
import { type Gathered, gather } from './gather.ts'
import { checkRoot } from './judge/check.ts'
import { trespasses } from './judge/fence.ts'
import { type Kept, keepsGood, withoutBad } from './judge/keep-good.ts'
import { runLints } from './judge/lint.ts'
import { lintsOf } from './judge/lints/index.ts'
import type { Config } from './language/config.ts'
import type { Language } from './language/language.ts'
import { mergeDefaults } from './language/merge.ts'
import { normalise } from './language/normalise.ts'
import type { LoadDeps } from './load-deps.ts'
import { unreadable } from './read/files.ts'
import { unplugged } from './unplugged.ts'

/** `config` is undefined exactly if one of the diagnostics is an error and nothing was `kept`. */
export interface Loaded {
  readonly config: Config | undefined
  /** Those of the diagnostics that say what was not looked at, since plug-ins were not loaded. */
  readonly unchecked: readonly Diagnostic[]
  /** In the order of the file. */
  readonly diagnostics: readonly Diagnostic[]
  /** Absolute paths of all files that it was read from, unreadable ones included: a change there may change the config. */
  readonly sources: readonly string[]
  /** What was written, with defaults and profiles merged under it; its nodes tell where each value stands. */
  readonly tree: Node | undefined
  /** That it was read in: with the features of its plug-ins. */
  readonly language: Language
  /** Routes and upstreams that have errors and are not in `config` as they were written. */
  readonly kept: readonly Kept[]
}

/** Repairs that make other parts bad: routes of an upstream, fallbacks of a route. */
const MOST_REPAIRS = 4

/**
 * The only entry: a file to a checked, frozen config, or to everything that is wrong with it. Never throws. `good`: returns
 * the tree of the previous config; if the file says `onInvalid: keepGood`, its routes and upstreams replace those with
 * errors.
 */
export async function loadConfig(file: string, deps: LoadDeps, good?: () => Node): Promise<Loaded> {
  const sources = new Set<string>()
  const read = (path: string): Promise<Uint8Array> => {
    sources.add(resolve(path))
    return deps.readFile(path)
  }
  const list = (path: string): Promise<readonly string[]> => {
    sources.add(resolve(path))
    return deps.readFolder(path)
  }
  const tracked = { ...deps, readFile: read, readFolder: list }
  const gathered = await gather(file, tracked)
  const { language, skipped } = gathered.plugged
  const written = skipped && gathered.root !== undefined ? unplugged(gathered.root, language) : NOTHING_SKIPPED
  const unchecked = skipped ? [...gathered.plugged.diagnostics, ...written.diagnostics] : []
  const subject: Subject = {
    ...gathered,
    root: written.root ?? gathered.root,
    diagnostics: [...gathered.diagnostics, ...written.diagnostics],
    open: written.routes,
    file,
  }
  const judged = await judge(subject, tracked, good)
  return { ...judged, unchecked, language, sources: [...sources] }
}

/** What is judged. `open`: routes that a plug-in may answer which was not loaded. */
type Subject = Gathered & { readonly open: ReadonlySet<string>; readonly file: string }

const NOTHING_SKIPPED = { root: undefined, routes: new Set<string>(), diagnostics: [] }

type Judged = Omit<Loaded, 'sources' | 'language' | 'unchecked'>

async function judge(subject: Subject, deps: LoadDeps, good: (() => Node) | undefined): Promise<Judged> {
  const { language } = subject.plugged
  if (subject.root === undefined) return failed(subject.diagnostics, undefined)
  const tree = mergeDefaults(subject.root, language, deps.env.SLUICE_HTTP1)
  const first = await judged(tree, subject, deps)
  if (first.config !== undefined || good === undefined || !keepsGood(tree)) return first
  const standIn = good()
  let bad = first
  let kept: readonly Kept[] = []
  for (let i = 0; i < MOST_REPAIRS; i++) {
    const errors = bad.diagnostics.filter(({ severity }) => severity === 'error')
    const repaired = withoutBad(bad.tree ?? tree, standIn, errors, kept, language)
    if (repaired === undefined) return first
    kept = repaired.kept
    bad = await judged(repaired.tree, subject, deps)
    if (bad.config !== undefined) return { ...bad, kept, diagnostics: first.diagnostics }
  }
  return first
}

/** The whole check of a tree. */
async function judged(
  tree: Node,
  { comments, diagnostics, fences, file, folder, open, plugged: { language, modules } }: Subject,
  deps: LoadDeps,
): Promise<Judged> {
  const found: Diagnostic[] = [...diagnostics]
  const marks = marksIn(language.root, tree)
  const root = language.root.read(tree, new At(found, '', await readFiles(marks, folder, deps)))
  if (root === INVALID) return failed(found, tree)
  found.push(...checkRoot(root, tree, marks, language, open), ...trespasses(root, fences, tree, marks, language))
  if (found.some(({ severity }) => severity === 'error')) return failed(found, tree)
  found.push(...runLints(root, tree, marks, comments, language, await lintsOf(language.features)))
  return {
    config: normalise(root, { file, folder, plugins: modules, reads: servedIn(marks, folder) }, language, marks),
    diagnostics: sortDiagnostics(found),
    tree,
    kept: [],
  }
}

/** The files whose texts are a part of the config. */
async function readFiles(found: readonly Marked[], folder: string, deps: LoadDeps): Promise<Files> {
  const contents = new Map<string, FileContent>()
  for (const { mark, node } of found) {
    if (mark.is !== 'file' || !mark.read || node.kind !== 'scalar' || contents.has(node.text)) continue
    try {
      contents.set(node.text, { text: Buffer.from(await deps.readFile(resolve(folder, node.text))).toString('utf8') })
    } catch (error) {
      contents.set(node.text, { text: '', problem: unreadable(error) })
    }
  }
  return { folder, contents }
}

/** What workers read while they run. */
function servedIn(found: readonly Marked[], folder: string): readonly string[] {
  const paths = found.flatMap(({ mark, node }) =>
    mark.is === 'file' && mark.served === true && node.kind === 'scalar' ? [resolve(folder, node.text)] : [],
  )
  return [...new Set(paths)].sort()
}

function failed(diagnostics: readonly Diagnostic[], tree: Node | undefined): Judged {
  const seen = new Map<unknown, Set<string>>()
  // A value in defaults or behind an anchor is read in many places, and is reported once.
  const once = diagnostics.filter(({ at, message }) => {
    const said = seen.getOrInsertComputed(placeKey(at), () => new Set())
    return !said.has(message) && said.add(message)
  })
  return { config: undefined, diagnostics: sortDiagnostics(once), tree, kept: [] }
}
