import { loadConfig } from '../config/load.ts'
import { loadDeps } from '../config/load-deps.ts'
import type { WrittenConfig } from '../tools/explain/model.ts'
import { render } from './check.ts'
import type { Io } from './io.ts'

/**
 * Loads a config for a command that only looks at it. undefined: it has errors, which are on stderr; warnings are left out.
 */
export async function loadWritten(file: string, io: Io): Promise<WrittenConfig | undefined> {
  const deps = loadDeps(io.env)
  const { config, diagnostics, tree } = await loadConfig(file, deps)
  if (config !== undefined && tree !== undefined) return { config, tree, language: deps.language }
  io.stderr(await render(diagnostics, io.isTTY))
  return undefined
}
