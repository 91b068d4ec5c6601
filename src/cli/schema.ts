import { DEFAULT_LANGUAGE } from '../config/language/default-language.ts'
import { jsonSchema } from '../config/language/json-schema.ts'
import type { Language } from '../config/language/language.ts'
import { loadConfig } from '../config/load.ts'
import { render } from './check.ts'
import { Exit, type Io } from './io.ts'
import { parseOptions } from './options.ts'
import { depsOf, PLUGINS } from './plugins.ts'

const WIDTH = 140

/**
 * `sluice schema [FILE --plugins]`: the JSON Schema of the config, for editors; with the keys of the plug-ins that a file
 * names.
 */
export async function schema(args: readonly string[], io: Io): Promise<number> {
  const parsed = parseOptions(args, PLUGINS)
  if (typeof parsed === 'string' || parsed.files.length !== (parsed.flags.plugins === true ? 1 : 0)) {
    io.stderr(`sluice schema: ${typeof parsed === 'string' ? parsed : 'expected nothing, or FILE --plugins'}\n`)
    return Exit.usage
  }
  const [file] = parsed.files
  if (file === undefined) {
    io.stdout(schemaText(DEFAULT_LANGUAGE))
    return Exit.ok
  }
  // Errors elsewhere in the file do not matter: an editor shows them by this schema.
  const { diagnostics, language } = await loadConfig(file, depsOf(io, { run: true }))
  const own = diagnostics.filter(({ path, severity }) => severity === 'error' && /^plugins\b/.test(path))
  io.stderr(await render(own, io.isTTY))
  if (own.length > 0) return Exit.badConfig
  io.stdout(schemaText(language))
  return Exit.ok
}

/** What it prints; config/sluice.schema.json holds that of Sluice alone. */
export function schemaText(language: Language): string {
  return `${jsonText(jsonSchema(language))}\n`
}

/** JSON of which what fits a line stands on a line. */
function jsonText(value: unknown, indent = '', before = 0): string {
  const line = JSON.stringify(value, undefined, 1)?.replace(/\n */g, ' ') ?? 'null'
  if (typeof value !== 'object' || value === null || before + line.length <= WIDTH) return line
  const inner = `${indent}  `
  const item = (key: string, one: unknown): string =>
    `${inner}${key}${jsonText(one, inner, inner.length + key.length + 1)}`
  if (Array.isArray(value)) return `[\n${value.map((one) => item('', one)).join(',\n')}\n${indent}]`
  const items = Object.entries(value).map(([key, one]) => item(`${JSON.stringify(key)}: `, one))
  return `{\n${items.join(',\n')}\n${indent}}`
}
