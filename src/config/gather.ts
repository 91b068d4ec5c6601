import { basename, dirname, isAbsolute, join, matchesGlob, relative, resolve } from 'node:path'
import type { Diagnostic } from '../schema/diagnostics.ts'
import type { MapNode, Node } from '../schema/node.ts'
import { nodeAt } from '../schema/path.ts'
import { At, INVALID } from '../schema/schema.ts'
import { type Fence, fencedEnvironment, lookedOver } from './judge/fence.ts'
import { alienValues, beyondFence } from './judge/machine-fence.ts'
import type { Include } from './language/include.ts'
import { inNamespace, ownNames } from './language/namespace.ts'
import { rebased } from './language/rebase.ts'
import type { LoadDeps } from './load-deps.ts'
import { type PluggedIn, plugIn } from './plug-in.ts'
import type { Comment } from './read/comments.ts'
import { parseYaml } from './read/document.ts'
import { unreadable } from './read/files.ts'
import { parseObject } from './read/object.ts'
import { type Document, unite } from './read/unite.ts'
import { NOT_CHECKED } from './unplugged.ts'
import { olderVersion, upgrade } from './upgrade/upgrade.ts'

/** More files than any config needs; a pattern that matches too much ends here. */
const MOST_FILES = 2_000
const YAML_FILE = /^[^.].*\.ya?ml$/
const MAGIC = /[*?[\]{}]/
/** What files that are included may have besides collections and `x-…`. */
const COMMON = ['apiVersion', 'kind']

/** All that was written, as if it were one file. */
export interface Gathered {
  /** undefined: it could not be read. */
  readonly root: Node | undefined
  readonly fences: readonly Fence[]
  readonly comments: readonly Comment[]
  readonly diagnostics: readonly Diagnostic[]
  /** Paths of files in the config are relative to it. */
  readonly folder: string
  readonly plugged: PluggedIn
}

/** Reads a file or a folder of them, and what they include. */
export async function gather(file: string, deps: LoadDeps): Promise<Gathered> {
  return new Gathering(file, deps).run()
}

class Gathering {
  private readonly file: string
  private readonly deps: LoadDeps
  private readonly problems: Diagnostic[] = []
  private readonly fences: Fence[] = []
  private readonly comments: Comment[] = []
  private folder: string
  private files = 0
  private plugged: PluggedIn

  constructor(file: string, deps: LoadDeps) {
    this.file = file
    this.deps = deps
    this.folder = deps.folder ?? dirname(file)
    this.plugged = { language: deps.language, modules: [], skipped: false, diagnostics: [] }
  }

  async run(): Promise<Gathered> {
    const main = await this.main()
    if (main.length === 0 || this.failed) return this.ended(undefined)
    const { fence } = this.deps
    // Code is not asked from elsewhere: `beyondFence` says so.
    if (fence === undefined) this.plugged = await plugIn(main, this.folder, this.deps)
    const { diagnostics, language } = this.plugged
    this.problems.push(...diagnostics)
    if (this.failed) return this.ended(undefined)
    const [first] = main as [Document, ...Document[]]
    const root = main.length === 1 ? first.root : this.united(main)
    if (fence !== undefined) this.problems.push(...beyondFence(language, root, fence))
    if (this.failed || !root.entries.has('include')) return this.ended(root)
    const included = await this.included(root)
    return this.ended(this.failed ? undefined : this.united([{ file: this.file, root }, ...included]))
  }

  private united(documents: readonly Document[]): MapNode {
    return unite(documents, new Set(this.plugged.language.collections.map(({ key }) => key)), this.problems)
  }

  private ended(root: Node | undefined): Gathered {
    const { comments, fences, folder, plugged, problems } = this
    return { root: this.failed ? undefined : root, comments, fences, folder, plugged, diagnostics: problems }
  }

  private get failed(): boolean {
    return this.problems.some(({ severity }) => severity === 'error')
  }

  /** The file itself, or every YAML file of the folder. */
  private async main(): Promise<readonly Document[]> {
    let bytes: Uint8Array
    try {
      bytes = await this.deps.readFile(this.file)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EISDIR') {
        this.error(this.file, unreadable(error))
        return []
      }
      this.folder = this.file
      const names = (await this.list(this.file)).filter((name) => YAML_FILE.test(name))
      if (names.length === 0) this.error(this.file, 'no *.yaml file is in this folder')
      return this.documents(names.map((name) => join(this.file, name)))
    }
    return this.parsed(this.file, bytes, this.deps.env)
  }

  /** `from`: where they are named; undefined: by the caller. */
  private async documents(paths: readonly string[], fence?: Fence, from?: Node): Promise<readonly Document[]> {
    const env = fence === undefined ? this.deps.env : fencedEnvironment(this.deps.env, fence)
    const all: Document[] = []
    for (const path of paths) {
      this.files++
      if (this.files > MOST_FILES) {
        this.error(this.file, `more than ${MOST_FILES} files`)
        break
      }
      try {
        all.push(...this.parsed(path, await this.deps.readFile(path), env))
      } catch (error) {
        if (from === undefined) this.error(path, unreadable(error))
        else this.say('error', from, `${path}: ${unreadable(error)}`)
      }
    }
    return all
  }

  private parsed(file: string, bytes: Uint8Array, env: LoadDeps['env']): readonly Document[] {
    const parse = file === this.deps.object ? parseObject : parseYaml
    const { comments, diagnostics, root } = parse(file, bytes, env)
    this.problems.push(...diagnostics)
    this.comments.push(...comments)
    if (root === undefined) return []
    const alien = this.deps.fence === undefined ? [] : alienValues(root, this.deps.fence)
    this.problems.push(...alien)
    if (alien.length > 0) return []
    const { errors, from, root: current } = upgrade(root)
    if (errors.length > 0) this.problems.push(...errors)
    else if (from !== undefined) this.problems.push(olderVersion(from, current))
    if (current.kind === 'map') return [{ file, root: current }]
    this.problems.push({
      severity: 'error',
      at: root.at,
      path: '',
      message: 'a config is a map of keys such as routes',
    })
    return []
  }

  private async included(root: MapNode): Promise<readonly Document[]> {
    const node = nodeAt(root, ['include']) as Node
    const includes = this.plugged.language.include.read(node, new At(this.problems, 'include'))
    if (includes === INVALID) return []
    const nodes = node.kind === 'list' ? node.items : [node]
    const all: Document[] = []
    const seen = new Set<string>()
    for (const [i, include] of includes.entries()) {
      const from = nodes[i] as Node
      const paths = await this.expanded(include, from)
      for (const path of paths) {
        if (seen.has(resolve(path))) this.say('error', from, `${path} is included twice`)
        seen.add(resolve(path))
      }
      all.push(...(await this.entry(include, paths, from)))
    }
    return all
  }

  private async entry({ allow, as }: Include, paths: readonly string[], from: Node): Promise<readonly Document[]> {
    const fence = as === undefined || allow === undefined ? undefined : { as, allow }
    const { language } = this.plugged
    const known = language.collections.filter(({ named }) => named || as === undefined).map(({ key }) => key)
    const written = await this.documents(paths, fence, from)
    const documents = written.map((document) => this.onlyKeys(document, [...COMMON, ...known]))
    if (fence !== undefined) {
      this.fences.push(fence)
      for (const { root } of documents) this.problems.push(...lookedOver(language, root, fence))
    }
    const own = ownNames(
      language,
      documents.map(({ root }) => root),
    )
    return documents.map(({ file, root }) => {
      const moved = rebased(language, root, relative(this.folder, dirname(file)))
      return { file, root: as === undefined ? moved : inNamespace(language, moved, as, own) }
    })
  }

  /** Without keys that only a plug-in could own which was not loaded. */
  private onlyKeys(document: Document, known: readonly string[]): Document {
    const { language, skipped } = this.plugged
    const entries = new Map(document.root.entries)
    for (const [key, { key: at }] of document.root.entries) {
      if (known.includes(key) || key.startsWith('x-')) continue
      if (skipped && !Object.hasOwn(language.root.fields, key)) {
        entries.delete(key)
        this.problems.push({ severity: 'warning', at, path: key, message: NOT_CHECKED })
        continue
      }
      const message = `stands in the main file only; files that are included have ${known.join(', ')}`
      this.problems.push({ severity: 'error', at, path: key, message })
    }
    return { ...document, root: { ...document.root, entries } }
  }

  /** The files that an include names, in order. */
  private async expanded({ files }: Include, node: Node): Promise<readonly string[]> {
    const all: string[] = []
    for (const pattern of files) {
      const from = isAbsolute(pattern) ? '/' : node.at.file === this.file ? this.folder : dirname(node.at.file)
      const steps = pattern.split('/').filter((step) => step !== '' && step !== '.')
      const found = await Promise.all((await this.matching(from, steps)).map((path) => this.filesOf(path)))
      if (found.flat().length === 0) this.say('warning', node, `${pattern} matches no file`)
      all.push(...found.flat())
    }
    return [...new Set(all)]
  }

  /** The YAML files of a folder; a file is itself. */
  private async filesOf(path: string): Promise<readonly string[]> {
    if (YAML_FILE.test(basename(path))) return [path]
    try {
      const names = await this.deps.readFolder(path)
      return names
        .filter((name) => YAML_FILE.test(name))
        .toSorted()
        .map((name) => join(path, name))
    } catch {
      return [path]
    }
  }

  private async matching(from: string, [step, ...rest]: readonly string[]): Promise<readonly string[]> {
    if (step === undefined) return [from]
    if (!MAGIC.test(step)) return this.matching(join(from, step), rest)
    const names = (await this.list(from)).filter((name) => !name.startsWith('.') && matchesGlob(name, step))
    const found = await Promise.all(names.map((name) => this.matching(join(from, name), rest)))
    return found.flat()
  }

  /** Empty where there is no such folder. */
  private async list(folder: string): Promise<readonly string[]> {
    try {
      return (await this.deps.readFolder(folder)).toSorted()
    } catch {
      return []
    }
  }

  private say(severity: Diagnostic['severity'], { at }: Node, message: string): void {
    this.problems.push({ severity, at, path: 'include', message })
  }

  private error(file: string, message: string): void {
    this.problems.push({ severity: 'error', at: { file, line: 0, column: 0 }, path: '', message })
  }
}
