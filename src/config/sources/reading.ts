import { join, resolve, sep } from 'node:path'
import type { Node } from '../../schema/node.ts'
import type { Config } from '../language/config.ts'
import { type Loaded, loadConfig } from '../load.ts'
import type { LoadDeps } from '../load-deps.ts'
import type { ConfigSource, Documents, SourceTexts } from './source.ts'

/** What a config is read from: texts that are at hand, for the rest the files of this machine. Goes between threads. */
export interface ConfigReading extends Required<SourceTexts>, Pick<ConfigSource, 'folder' | 'fence'> {
  /** The main file as it was named, a folder of files, or the name of a source. */
  readonly main: string
  /** Folders have what `documents` has in them and nothing else; false: that holds for the main folder only. */
  readonly closed: boolean
  /** Plug-ins that it may name; undefined: any. */
  readonly code?: readonly string[]
}

/** What a source gave. */
export function readingOf({ folder, name, fence }: ConfigSource, texts: SourceTexts): ConfigReading {
  return { main: name, object: false, closed: false, folder, fence, ...texts }
}

/** A config as it was kept: its folders have the files that they had then. */
export function keptReading(source: ConfigSource, main: string, documents: Documents): ConfigReading {
  // A fence holds for whatever becomes live, also for what was live before there was one.
  const { folder, fence } = main === source.main || source.fence !== undefined ? source : PLAIN
  return { main, documents, object: false, closed: true, folder, fence }
}

const PLAIN: Pick<ConfigReading, 'folder' | 'fence'> = { folder: undefined, fence: undefined }

/** A text in place of the main file, or of all files of the main folder; its includes are read as they are. */
export function inPlace(
  source: ConfigSource,
  { file, folder, plugins }: Pick<Config, 'file' | 'folder' | 'plugins'>,
  yaml: string,
): ConfigReading {
  const isFolder = resolve(file) === resolve(folder)
  const documents = { [isFolder ? join(source.name, 'sluice.yaml') : source.name]: yaml }
  // Who may change the config by the API need not be one who may run code on this machine.
  return { ...readingOf(source, { documents }), code: plugins.map(({ name }) => name) }
}

/** Loads a config and remembers the texts that it was made of. */
export interface Reader {
  /** Complete once it was loaded. */
  readonly documents: Documents
  /** `good`: see {@link loadConfig}. */
  load(good?: () => Node): Promise<Loaded>
}

export function readerOf(reading: ConfigReading, machine: LoadDeps): Reader {
  const { closed, code, documents: given, folder, main, object, fence } = reading
  const documents: Record<string, string> = { ...given }
  const texts = new Map(Object.entries(given).map(([path, text]) => [resolve(path), text]))
  const isFolder = texts.size > 0 && !texts.has(resolve(main))
  const readFile = async (path: string): Promise<Uint8Array> => {
    const full = resolve(path)
    if (isFolder && full === resolve(main)) throw Object.assign(new Error('a folder'), { code: 'EISDIR' })
    const text = texts.get(full)
    if (text !== undefined) return Buffer.from(text)
    const bytes = await machine.readFile(path)
    if (path === main || /\.ya?ml$/i.test(full)) documents[full] = Buffer.from(bytes).toString('utf8')
    return bytes
  }
  const readFolder = async (path: string): Promise<readonly string[]> =>
    closed || (isFolder && resolve(path) === resolve(main)) ? within(texts.keys(), path) : machine.readFolder(path)
  const deps: LoadDeps = { ...machine, readFile, readFolder, folder, fence, code, object: object ? main : undefined }
  return {
    documents,
    async load(good) {
      const loaded = await loadConfig(main, deps, good)
      return { ...loaded, sources: loaded.sources.filter((path) => !texts.has(path)) }
    },
  }
}

function within(paths: Iterable<string>, folder: string): readonly string[] {
  const start = `${resolve(folder)}${sep}`
  const names = Array.from(paths).flatMap((path) =>
    path.startsWith(start) ? path.slice(start.length).split(sep)[0] : [],
  )
  return [...new Set(names as string[])]
}
