import { type ModuleHooks, registerHooks } from 'node:module'
import type { PluginModule } from '../core/plugin.ts'
import { VERSION, versioned } from './code.ts'

const FORMATS: Readonly<Record<string, string>> = {
  ts: 'module-typescript',
  mts: 'module-typescript',
  js: 'module',
  mjs: 'module',
  json: 'json',
}
/** Asks where a package is, as a file of a folder would import it: the folder's URL, a line break, the package. */
const WHERE = 'sluice-where:'
/** The code of plug-ins that run, and of those that come. */
const MOST_SETS = 2

/**
 * How the modules of plug-ins are found in this thread: `sluice` is what this Sluice has for features, wherever they lie, and their files have the
 * texts that came with them.
 */
export class PluginHooks {
  private readonly hooks: ModuleHooks
  /** The latest first. */
  private sets: readonly (readonly PluginModule[])[] = []

  constructor() {
    const sluice = new URL(import.meta.url.endsWith('.ts') ? '../feature-api.ts' : '../feature-api.js', import.meta.url)
      .href
    this.hooks = registerHooks({
      resolve: (specifier, context, next) => {
        if (specifier === 'sluice') return next(sluice, context)
        if (specifier.startsWith(WHERE)) {
          const [parentURL, name] = decodeURIComponent(specifier.slice(WHERE.length)).split('\n')
          return next(name as string, { ...context, parentURL })
        }
        // Before it is asked whether there is such a file: it need not be there any more.
        const url = ownUrl(specifier, context.parentURL)
        return url === undefined || this.textOf(url) === undefined
          ? next(specifier, context)
          : { url, shortCircuit: true }
      },
      load: (url, context, next) => {
        const source = versionIn(url) === undefined ? undefined : this.textOf(url)
        if (source === undefined) return next(url, context)
        const format = FORMATS[/\.(\w+)\?/.exec(url)?.[1] ?? ''] ?? 'module'
        return { format, source, shortCircuit: true }
      },
    })
  }

  /** These may be imported from now on; those before the ones before are forgotten. */
  take(modules: readonly PluginModule[]): void {
    this.sets = [modules, ...this.sets].slice(0, MOST_SETS)
  }

  /** The URL that a file of a folder would import a package from. Throws as the import would. */
  where(name: string, folder: string): string {
    return import.meta.resolve(`${WHERE}${encodeURIComponent(`${folder}\n${name}`)}`)
  }

  close(): void {
    this.hooks.deregister()
  }

  private textOf(url: string): string | undefined {
    for (const set of this.sets) for (const { texts } of set) if (Object.hasOwn(texts, url)) return texts[url]
    return undefined
  }
}

/** The URL of a specifier as one of a plug-in's files; undefined: it is none. */
function ownUrl(specifier: string, parent: string | undefined): string | undefined {
  if (versionIn(specifier) !== undefined) return specifier
  const version = versionIn(parent)
  if (version === undefined || !/^\.{1,2}\//.test(specifier)) return undefined
  return versioned(new URL(specifier, parent).href, version)
}

function versionIn(url: string | undefined): string | undefined {
  if (url === undefined || !url.startsWith('file:') || !url.includes(`?${VERSION}=`)) return undefined
  return new URL(url).searchParams.get(VERSION) ?? undefined
}
