import { join, resolve, sep } from 'node:path'
import type { Config } from '../../../config/language/config.ts'
import { type Loaded, loadConfig } from '../../../config/load.ts'
import type { LoadDeps } from '../../../config/load-deps.ts'
import type { Node } from '../../../schema/node.ts'
import type { KeptConfig } from './archive.ts'

/** Texts of YAML files by absolute path. */
export type Documents = Readonly<Record<string, string>>

/** Loads a config and remembers the texts that it was made of. */
export interface Reader {
  readonly documents: Documents
  /** `good`: see {@link loadConfig}. */
  load(good?: () => Node): Promise<Loaded>
}

export function configReader(file: string, deps: LoadDeps): Reader {
  const documents: Record<string, string> = {}
  const readFile = async (path: string): Promise<Uint8Array> => {
    const bytes = await deps.readFile(path)
    const full = resolve(path)
    if (full === resolve(file) || /\.ya?ml$/i.test(full)) documents[full] = Buffer.from(bytes).toString('utf8')
    return bytes
  }
  return { documents, load: (good) => loadConfig(file, { ...deps, readFile }, good) }
}

/** Loads a config as it was stored: its folders have the files that they had then. */
export function keptReader({ documents, main }: Pick<KeptConfig, 'documents' | 'main'>, deps: LoadDeps): Reader {
  const readFolder = async (path: string): Promise<readonly string[]> => {
    const folder = `${resolve(path)}${sep}`
    const within = Object.keys(documents).flatMap((file) => (file.startsWith(folder) ? file.slice(folder.length) : []))
    return [...new Set(within.map((path) => path.split(sep)[0] as string))]
  }
  const isFolder = !Object.hasOwn(documents, main)
  return configReader(main, { ...withTexts(deps, documents, isFolder ? main : undefined), readFolder })
}

/** A text in place of the main file, or of all files of the main folder; its includes are read as they are. */
export function putInPlace(deps: LoadDeps, { file, folder }: Pick<Config, 'file' | 'folder'>, yaml: string): LoadDeps {
  const main = resolve(file)
  const isFolder = main === resolve(folder)
  if (!isFolder) return withTexts(deps, { [main]: yaml }, undefined)
  const only = 'sluice.yaml'
  return {
    ...withTexts(deps, { [join(main, only)]: yaml }, main),
    readFolder: async (path) => (resolve(path) === main ? [only] : deps.readFolder(path)),
  }
}

/** `folder`: read as a folder, whether it still is one or not. */
function withTexts(deps: LoadDeps, texts: Documents, folder: string | undefined): LoadDeps {
  const readFile = async (path: string): Promise<Uint8Array> => {
    const full = resolve(path)
    if (full === folder) throw Object.assign(new Error('a folder'), { code: 'EISDIR' })
    const text = texts[full]
    return text === undefined ? deps.readFile(path) : Buffer.from(text)
  }
  return { ...deps, readFile }
}
