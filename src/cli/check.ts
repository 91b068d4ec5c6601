import { readFile, stat } from 'node:fs/promises'
import { lintsOf } from '../config/judge/lints/index.ts'
import { DEFAULT_LANGUAGE } from '../config/language/default-language.ts'
import type { Documents } from '../config/sources/source.ts'
import { readFirst } from '../control/first-config.ts'
import { version } from '../control/version.ts'
import type { AnyFeature } from '../core/feature.ts'
import { type Diagnostic, diagnosticExcerpt, diagnosticLine } from '../schema/diagnostics.ts'
import { githubReport } from './check-github.ts'
import { sarifReport } from './check-sarif.ts'
import { configSource, SOURCE_OPTIONS } from './config-source.ts'
import { Exit, type Io } from './io.ts'
import { defaultFile, parseOptions } from './options.ts'
import { depsOf, PLUGINS } from './plugins.ts'

/** Formats for tools; without one the output is for people. */
const REPORTS: Readonly<
  Record<string, (found: readonly Diagnostic[], features: readonly AnyFeature[]) => string | Promise<string>>
> = {
  json: (found) => `${JSON.stringify(found.map(plain), undefined, 2)}\n`,
  sarif: async (found, features) =>
    `${JSON.stringify(sarifReport(found, version(), await lintsOf(features)), undefined, 2)}\n`,
  github: githubReport,
}

/**
 * `sluice check FILE… [--json|--sarif|--github] [--strict] [--plugins]`: every error and warning; 2 when there is an error
 * (or, strict, a warning). What plug-ins know is checked with `--plugins` only, which runs their code.
 */
export async function check(args: readonly string[], io: Io): Promise<number> {
  const flag = { type: 'boolean' } as const
  const parsed = parseOptions(args, {
    json: flag,
    sarif: flag,
    github: flag,
    strict: flag,
    ...PLUGINS,
    ...SOURCE_OPTIONS,
  })
  const formats = typeof parsed === 'string' ? [] : Object.keys(REPORTS).filter((name) => parsed.flags[name] === true)
  if (typeof parsed === 'string' || formats.length > 1) {
    const problem = typeof parsed === 'string' ? parsed : `expected one of --${formats.join(' and --')}`
    io.stderr(`sluice check: ${problem}\n`)
    return Exit.usage
  }
  const [format] = formats
  const files = parsed.files.length === 0 ? [defaultFile()] : parsed.files
  const found: Diagnostic[] = []
  let features = DEFAULT_LANGUAGE.features
  for (const file of files) {
    const source = await configSource(file, parsed.flags, io)
    const deps = depsOf(io, { run: parsed.flags.plugins === true })
    const { diagnostics, documents, first, language, unchecked } = await readFirst(source, deps)
    features = [...new Set([...features, ...language.features])]
    found.push(...diagnostics)
    if (format !== undefined) continue
    io.stderr(await render(diagnostics, true, documents))
    if (first === undefined) continue
    const { routes, upstreams } = first.config.lean
    const ok = unchecked.length === 0 ? 'ok' : 'ok, except for what was not checked'
    io.stdout(`${file}: ${ok}, ${counted(routes, 'route')}, ${counted(upstreams, 'upstream')}\n`)
  }
  if (format !== undefined) io.stdout((await REPORTS[format]?.(found, features)) ?? '')
  const bad = found.some(({ severity }) => severity === 'error' || parsed.flags.strict === true)
  return bad ? Exit.badConfig : Exit.ok
}

/** Diagnostics as a compiler prints them; with the source line and a caret on demand. `documents`: not read again. */
export async function render(
  diagnostics: readonly Diagnostic[],
  excerpts: boolean,
  documents: Documents = {},
): Promise<string> {
  const sources = new Map<string, readonly string[]>()
  let out = ''
  for (const diagnostic of diagnostics) {
    const { file, line } = diagnostic.at
    if (excerpts && line > 0 && !sources.has(file))
      sources.set(file, documents[file]?.split('\n') ?? (await linesOf(file)))
    out += `${excerpts ? diagnosticExcerpt(diagnostic, sources.get(file)?.[line - 1]) : diagnosticLine(diagnostic)}\n`
  }
  return out
}

/** Empty for a file that can be read only once, such as a pipe. */
async function linesOf(file: string): Promise<readonly string[]> {
  const isFile = await stat(file).then(
    (found) => found.isFile(),
    () => false,
  )
  return isFile ? (await readFile(file, 'utf8')).split('\n') : []
}

function plain({ severity, at, path, message, lint }: Diagnostic): object {
  return { severity, ...at, path, message, ...(lint !== undefined && { lint }) }
}

function counted({ length }: readonly unknown[], what: string): string {
  return `${length} ${what}${length === 1 ? '' : 's'}`
}
