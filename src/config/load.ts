import { createReadStream } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type Diagnostic, sortDiagnostics } from '../schema/diagnostics.ts'
import type { Node } from '../schema/node.ts'
import { At, INVALID } from '../schema/schema.ts'
import { checkRoot } from './check.ts'
import type { Config } from './config.ts'
import { MAX_FILE_BYTES, parseYaml } from './document.ts'
import type { Environment } from './environment.ts'
import { normalise } from './normalise.ts'
import { type RootOptions, rootOptions } from './root.ts'
import { mergeDefaults, placeOf } from './tree.ts'
import { olderVersion, upgrade } from './upgrade.ts'

/** What loading touches of the machine. */
export interface LoadDeps {
  readonly env: Environment
  /** Rejects as `fs.readFile` does. */
  readonly readFile: (path: string) => Promise<Uint8Array>
}

/** `config` is undefined exactly if one of the diagnostics is an error. */
export interface Loaded {
  readonly config: Config | undefined
  /** In the order of the file. */
  readonly diagnostics: readonly Diagnostic[]
  /** Absolute paths of all that it was read from, what could not be read included: a change there may change the config. */
  readonly sources: readonly string[]
  /** What was written, with defaults and profiles put under it; its nodes tell where each value stands. */
  readonly tree: Node | undefined
}

/** The one door: a file to a checked, frozen config, or to everything that is wrong with it. Never throws. */
export async function loadConfig(file: string, deps: LoadDeps): Promise<Loaded> {
  const sources = new Set<string>()
  const read = (path: string): Promise<Uint8Array> => {
    sources.add(resolve(path))
    return deps.readFile(path)
  }
  const { config, diagnostics, tree } = await load(file, { ...deps, readFile: read })
  return { config, diagnostics, sources: [...sources], tree }
}

async function load(file: string, deps: LoadDeps): Promise<Omit<Loaded, 'sources'>> {
  let bytes: Uint8Array
  try {
    bytes = await deps.readFile(file)
  } catch (error) {
    const at = { file, line: 0, column: 0 }
    return failed([{ severity: 'error', at, path: '', message: unreadable(error) }], undefined)
  }
  const { root: written, diagnostics } = parseYaml(file, bytes, deps.env)
  if (written === undefined) return failed(diagnostics, undefined)
  const { root: current, from, errors } = upgrade(written)
  if (errors.length > 0) return failed(errors, undefined)
  const found: Diagnostic[] = from === undefined ? [] : [olderVersion(from, current)]
  const tree = mergeDefaults(current)
  const root = rootOptions.read(tree, new At(found))
  if (root === INVALID) return failed(found, tree)
  found.push(...checkRoot(root, tree))
  const files = await readFiles(root, file, deps, (upstream, key, message) => {
    const path = ['upstreams', upstream, 'tls', key, 'file']
    found.push({ severity: 'error', at: placeOf(tree, path), path: path.join('.'), message })
  })
  if (found.some((diagnostic) => diagnostic.severity === 'error')) return failed(found, tree)
  return { config: normalise(root, file, files), diagnostics: sortDiagnostics(found), tree }
}

/** The real file system. Reads no more of a file than is needed to see that it is too large, devices and pipes included. */
export async function readConfigFile(path: string): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  // `end` is the last byte that is read.
  for await (const chunk of createReadStream(path, { end: MAX_FILE_BYTES })) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

const TLS_FILES = ['ca', 'cert', 'key'] as const

async function readFiles(
  root: RootOptions,
  file: string,
  deps: LoadDeps,
  problem: (upstream: string, key: string, message: string) => void,
): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>()
  for (const [name, { tls }] of root.upstreams) {
    for (const key of TLS_FILES) {
      const path = tls[key]
      if (path === undefined || files.has(path)) continue
      try {
        const text = Buffer.from(await deps.readFile(resolve(dirname(file), path))).toString('utf8')
        if (!text.includes('-----BEGIN '))
          problem(name, key, `${JSON.stringify(path)} holds no PEM; expected -----BEGIN … -----`)
        files.set(path, text)
      } catch (error) {
        problem(name, key, `${JSON.stringify(path)}: ${unreadable(error)}; paths are relative to the config file`)
      }
    }
  }
  return files
}

function failed(diagnostics: readonly Diagnostic[], tree: Node | undefined): Omit<Loaded, 'sources'> {
  const seen = new Set<string>()
  // What stands in defaults or behind an anchor is read in many places, and is wrong only once.
  const once = diagnostics.filter(({ at, message }) => {
    const key = `${at.file}:${at.line}:${at.column}:${message}`
    return !seen.has(key) && seen.add(key)
  })
  return { config: undefined, diagnostics: sortDiagnostics(once), tree }
}

function unreadable(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EACCES') return 'the file may not be read by this user'
  if (code === 'ENOTDIR') return 'there is no such file: a part of the path is no folder'
  if (code === 'EISDIR') return 'this is a folder; expected a file (folders come in a later version)'
  return `the file can not be read (${code ?? String(error)})`
}
