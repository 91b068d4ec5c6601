import { readdir } from 'node:fs/promises'
import type { PluginLoader } from '../plugins/load.ts'
import type { MachineFence } from './judge/machine-use.ts'
import { DEFAULT_LANGUAGE } from './language/default-language.ts'
import type { Language } from './language/language.ts'
import type { Environment } from './read/environment.ts'
import { readConfigFile } from './read/files.ts'

/** What loading takes from outside: the language, and what it touches of the machine. */
export interface LoadDeps {
  /** Without plug-ins. */
  readonly language: Language
  /** undefined: the code of plug-ins must not run here, and what only they know is not checked. */
  readonly plugins?: Pick<PluginLoader, 'load' | 'features'> | undefined
  readonly env: Environment
  /** Rejects as `fs.readFile` does. */
  readonly readFile: (path: string) => Promise<Uint8Array>
  /** Names in a folder. Rejects as `fs.readdir` does. */
  readonly readFolder: (path: string) => Promise<readonly string[]>
  /** Of these the config may use no more; undefined: of all. */
  readonly fence?: MachineFence | undefined
  /** Plug-ins that the config may name; undefined: any. */
  readonly code?: readonly string[] | undefined
  /** Paths of files in the config are relative to it; undefined: to that of the main file. */
  readonly folder?: string | undefined
  /** The path whose text is the JSON of a value; undefined: all are YAML. */
  readonly object?: string | undefined
}

/** Loading from the files of this machine. */
export function loadDeps(
  env: Environment,
  language: Language = DEFAULT_LANGUAGE,
  plugins?: LoadDeps['plugins'],
): LoadDeps {
  return { language, plugins, env, readFile: readConfigFile, readFolder: readdir }
}
