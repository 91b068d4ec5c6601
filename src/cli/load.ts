import { readFirst } from '../control/first-config.ts'
import type { WrittenConfig } from '../tools/explain/model.ts'
import { render } from './check.ts'
import { configSource } from './config-source.ts'
import type { Io } from './io.ts'
import type { Parsed } from './options.ts'
import { depsOf } from './plugins.ts'

/**
 * Loads a config for a command that only looks at it; `flags`: `SOURCE_OPTIONS` and `PLUGINS`. undefined: it has errors, which
 * are on stderr; of warnings only those are there that say what was not looked at.
 */
export async function loadWritten(name: string, flags: Parsed['flags'], io: Io): Promise<WrittenConfig | undefined> {
  const source = await configSource(name, flags, io)
  const { diagnostics, documents, first, language, unchecked } = await readFirst(
    source,
    depsOf(io, { run: flags.plugins === true }),
  )
  io.stderr(await render(first === undefined ? diagnostics : unchecked, io.isTTY, documents))
  return first && { config: first.config, tree: first.reload.tree, language }
}
