import { loadDeps } from '../config/load-deps.ts'
import { readFirst } from '../control/first-config.ts'
import type { WrittenConfig } from '../tools/explain/model.ts'
import { render } from './check.ts'
import { configSource } from './config-source.ts'
import type { Io } from './io.ts'
import type { Parsed } from './options.ts'

/**
 * Loads a config for a command that only looks at it; `flags`: `SOURCE_OPTIONS`. undefined: it has errors, which are on stderr; warnings are left out.
 */
export async function loadWritten(name: string, flags: Parsed['flags'], io: Io): Promise<WrittenConfig | undefined> {
  const deps = loadDeps(io.env)
  const { diagnostics, documents, first } = await readFirst(await configSource(name, flags, io), deps)
  if (first !== undefined) return { config: first.config, tree: first.reload.tree, language: deps.language }
  io.stderr(await render(diagnostics, io.isTTY, documents))
  return undefined
}
