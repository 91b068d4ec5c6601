import { readdir } from 'node:fs/promises'
import { DEFAULT_LANGUAGE } from './language/default-language.ts'
import type { Language } from './language/language.ts'
import type { Environment } from './read/environment.ts'
import { readConfigFile } from './read/files.ts'

/** What loading takes from outside: the language, and what it touches of the machine. */
export interface LoadDeps {
  readonly language: Language
  readonly env: Environment
  /** Rejects as `fs.readFile` does. */
  readonly readFile: (path: string) => Promise<Uint8Array>
  /** Names in a folder. Rejects as `fs.readdir` does. */
  readonly readFolder: (path: string) => Promise<readonly string[]>
}

/** Loading from the files of this machine. */
export function loadDeps(env: Environment, language: Language = DEFAULT_LANGUAGE): LoadDeps {
  return { language, env, readFile: readConfigFile, readFolder: readdir }
}
