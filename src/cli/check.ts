import { readFile } from 'node:fs/promises'
import { loadConfig, readConfigFile } from '../config/load.ts'
import { type Diagnostic, diagnosticExcerpt, diagnosticLine } from '../schema/diagnostics.ts'
import { Exit, type Io } from './io.ts'
import { defaultFile, parseOptions } from './options.ts'

/** `sluice check FILE… [--json] [--strict]`: every error and warning; 2 when there is an error (or, strict, a warning). */
export async function check(args: readonly string[], io: Io): Promise<number> {
  const parsed = parseOptions(args, { json: { type: 'boolean' }, strict: { type: 'boolean' } })
  if (typeof parsed === 'string') {
    io.stderr(`sluice check: ${parsed}\n`)
    return Exit.usage
  }
  const files = parsed.files.length === 0 ? [defaultFile()] : parsed.files
  const found: Diagnostic[] = []
  for (const file of files) {
    const { config, diagnostics } = await loadConfig(file, { env: io.env, readFile: readConfigFile })
    found.push(...diagnostics)
    if (parsed.flags.json !== true) {
      io.stderr(await render(diagnostics, io.isTTY))
      if (config !== undefined)
        io.stdout(`${file}: ok, ${config.lean.routes.length} routes, ${config.lean.upstreams.length} upstreams\n`)
    }
  }
  if (parsed.flags.json === true) io.stdout(`${JSON.stringify(found.map(plain), undefined, 2)}\n`)
  const bad = found.some(({ severity }) => severity === 'error' || parsed.flags.strict === true)
  return bad ? Exit.badConfig : Exit.ok
}

/** Diagnostics as a compiler prints them; with the source line and a caret on a terminal. */
export async function render(diagnostics: readonly Diagnostic[], excerpts: boolean): Promise<string> {
  const sources = new Map<string, readonly string[]>()
  let out = ''
  for (const diagnostic of diagnostics) {
    const { file, line } = diagnostic.at
    if (excerpts && line > 0 && !sources.has(file)) sources.set(file, (await readFile(file, 'utf8')).split('\n'))
    out += `${excerpts ? diagnosticExcerpt(diagnostic, sources.get(file)?.[line - 1]) : diagnosticLine(diagnostic)}\n`
  }
  return out
}

function plain({ severity, at, path, message, lint }: Diagnostic): object {
  return { severity, ...at, path, message, ...(lint !== undefined && { lint }) }
}
