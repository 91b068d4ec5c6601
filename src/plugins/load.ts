import { findPackageJSON } from 'node:module'
import { basename, dirname, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type AnyFeature, inOrder } from '../core/feature.ts'
import type { PluginModule } from '../core/plugin.ts'
import type { Clock } from '../lib/clock.ts'
import { liesIn, realOf } from '../lib/folders.ts'
import { within } from '../lib/within.ts'
import { clashes } from './clashes.ts'
import { type ReadFile, readCode } from './code.ts'
import { PluginHooks } from './hooks.ts'
import { shapeProblems } from './shape.ts'

/** A module may ask something when it is loaded; a gateway does not wait longer for it. */
const IMPORT_MS = 10_000

/** What plug-ins bring. */
export interface LoadedPlugins {
  /** Those of Sluice and of the plug-ins that are as they should be, in the order in which they act. */
  readonly features: readonly AnyFeature[]
  readonly modules: readonly PluginModule[]
  /** `entry`: place of the plug-in in the list. */
  readonly problems: readonly { readonly entry: number; readonly message: string }[]
}

/** Loads plug-ins in one thread: files by path, packages by name. They are trusted code. */
export class PluginLoader {
  private readonly own: readonly AnyFeature[]
  private readonly always: readonly PluginModule[]
  private readonly clock: Pick<Clock, 'after' | 'cancel'>
  private hooks: PluginHooks | undefined = undefined

  /**
   * @param own features that are there without them
   * @param always modules that go in front of those that are named
   */
  constructor(
    own: readonly AnyFeature[],
    clock: Pick<Clock, 'after' | 'cancel'>,
    always: readonly PluginModule[] = [],
  ) {
    this.own = own
    this.always = always
    this.clock = clock
  }

  /** Reads, runs and checks them. Never rejects. `folder`: paths are relative to it, and packages are looked for from it. */
  async load(names: readonly string[], folder: string, readFile: ReadFile): Promise<LoadedPlugins> {
    const problems: LoadedPlugins['problems'][number][] = []
    const read = names.map(async (name, entry) => {
      try {
        const entry = this.entryOf(name, folder)
        const module = await readCode(name, entry, readFile)
        const own = isPath(name) ? undefined : packageOf(name, entry, folder)
        return [own === undefined ? module : { ...module, folder: own }]
      } catch (error) {
        problems.push({ entry, message: `cannot be read: ${messageOf(error)}` })
        return []
      }
    })
    const modules = [...this.always, ...(await Promise.all(read)).flat()]
    if (problems.length > 0) return { features: this.own, modules, problems }
    const { features, problems: bad } = await this.brought(modules)
    return {
      features,
      modules,
      problems: bad.map(({ module, message }) => ({ entry: modules.indexOf(module) - this.always.length, message })),
    }
  }

  /** Features of modules that another thread has judged. Rejects with what is wrong with one. */
  async features(modules: readonly PluginModule[]): Promise<readonly AnyFeature[]> {
    const { features, problems } = await this.brought(modules)
    const [first] = problems
    if (first !== undefined) throw new Error(`the plug-in ${first.module.name}: ${first.message}`)
    return features
  }

  /** Modules that were loaded stay; what they import later is not found any more. */
  close(): void {
    this.hooks?.close()
    this.hooks = undefined
  }

  private async brought(modules: readonly PluginModule[]) {
    const features = [...this.own]
    const problems: { readonly module: PluginModule; readonly message: string }[] = []
    if (modules.length === 0) return { features: this.own, problems }
    this.hooks ??= new PluginHooks()
    this.hooks.take(modules)
    // One after the other: what one of them does when it is loaded, the next may see.
    for (const module of modules) {
      try {
        const values = await this.exportsOf(module)
        for (const [i, value] of values.entries()) {
          const { feature, wrong } = featureOf(value, module, features)
          const place = values.length === 1 ? 'default' : `default[${i}]`
          for (const message of wrong) problems.push({ module, message: `${calledOf(value) ?? place}: ${message}` })
          if (feature !== undefined) features.push(feature)
        }
      } catch (error) {
        problems.push({ module, message: messageOf(error) })
      }
    }
    return { features: inOrder(features), problems }
  }

  /** What the default export has. Rejects with why there is none. */
  private async exportsOf({ url }: PluginModule): Promise<readonly unknown[]> {
    try {
      const exported: Readonly<Record<string, unknown>> = await within(this.clock, IMPORT_MS, import(url), () => {
        throw new Error(`loading it has not ended within ${IMPORT_MS / 1000} s: something at its top level waits`)
      })
      const value = exported.default
      if (value !== undefined) return Array.isArray(value) ? value : [value]
      const others = Object.keys(exported)
      const there = others.length === 0 ? 'it exports nothing' : `it exports ${others.join(', ')}`
      throw new Error(`has no default export (${there}); write: export default defineFeature({ … })`)
    } catch (error) {
      throw error instanceof Error && error.stack?.includes(url) === true ? new Error(placed(error, url)) : error
    }
  }

  private entryOf(name: string, folder: string): string {
    if (isPath(name)) return resolve(folder, name)
    this.hooks ??= new PluginHooks()
    const entry = fileURLToPath(this.hooks.where(name, pathToFileURL(`${resolve(folder)}/`).href))
    if (/\.[cm]?ts$/.test(entry) && /[/\\]node_modules[/\\]/.test(entry))
      throw new Error(
        `${entry} is TypeScript, of which Node removes no types in node_modules; a package ships JavaScript`,
      )
    return entry
  }
}

function isPath(name: string): boolean {
  return /^(\.{1,2})?\//.test(name)
}

/**
 * The folder of a package whose entry is `entry`; workers may read all in it. Undefined where that would be more than its
 * own: the folder of the config lies in it (a name may also refer to the package that the config is a part of), or other packages do.
 */
function packageOf(name: string, entry: string, folder: string): string | undefined {
  // By its name: in the package there may be further package.json, with nothing but a type. `#name` is not one of a package.
  const described = findPackageJSON(
    name.startsWith('#') ? pathToFileURL(entry) : name,
    pathToFileURL(`${resolve(folder)}/`),
  )
  const own = realOf(dirname(described ?? entry))
  return basename(own) === 'node_modules' || !liesIn(entry, own) || liesIn(folder, own) ? undefined : own
}

function featureOf(
  value: unknown,
  { name: plugin }: PluginModule,
  others: readonly AnyFeature[],
): { readonly feature?: AnyFeature; readonly wrong: readonly string[] } {
  const wrong = shapeProblems(value)
  if (wrong.length > 0) return { wrong }
  const feature: AnyFeature = { ...(value as AnyFeature), plugin }
  const taken = clashes(feature, others)
  return taken.length > 0 ? { wrong: taken } : { feature, wrong: taken }
}

/** As messages call it; undefined: it has no name that could be shown. */
function calledOf(value: unknown): string | undefined {
  try {
    const { name } = value as { readonly name?: unknown }
    if (typeof value !== 'object' || typeof name !== 'string' || name === '') return undefined
    return `the feature ${JSON.stringify(name.slice(0, 60))}`
  } catch {
    return undefined
  }
}

/** The message with the line of the module's file where it came from. */
function placed({ message, stack = '' }: Error, url: string): string {
  const line = stack.slice(stack.indexOf(url) + url.length).match(/^:(\d+)/)?.[1]
  return line === undefined ? message : `${message} (line ${line} of it)`
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.replace(/\?sluice=[0-9a-f]+/g, '').slice(0, 2_000)
}
