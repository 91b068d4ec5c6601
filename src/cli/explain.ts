import { DEFAULT_LANGUAGE } from '../config/language/default-language.ts'
import { keyDocs } from '../config/language/key-docs.ts'
import { nodeOf } from '../schema/node.ts'
import { AskedBadly } from '../tools/explain/asked.ts'
import { type Explanation, explainRequest as explanationOf } from '../tools/explain/explain.ts'
import { textOf } from '../tools/explain/leaves.ts'
import { Model } from '../tools/explain/model.ts'
import { columns } from './columns.ts'
import { SOURCE_OPTIONS } from './config-source.ts'
import { explanationText } from './explain-text.ts'
import { Exit, type Io } from './io.ts'
import { loadWritten } from './load.ts'
import { parseOptions } from './options.ts'
import { PLUGINS } from './plugins.ts'

/**
 * `sluice explain FILE METHOD URL [-H 'name: value']… [--from ADDRESS] [--json]`: which route gets a request, and why. 3
 * when none does. `sluice explain --defaults`: all that is built in.
 */
export async function explain(args: readonly string[], io: Io): Promise<number> {
  const parsed = parseOptions(args, {
    ...PLUGINS,
    header: { type: 'string', short: 'H', multiple: true },
    from: { type: 'string' },
    json: { type: 'boolean' },
    defaults: { type: 'boolean' },
    ...SOURCE_OPTIONS,
  })
  if (typeof parsed === 'string') return misused(parsed, io)
  if (parsed.flags.defaults === true) return defaults(parsed.files, io)
  const [file, method, url, ...rest] = parsed.files
  if (file === undefined || method === undefined || url === undefined || rest.length > 0)
    return misused("expected FILE METHOD URL [-H 'name: value']…", io)
  const { from, header, json } = parsed.flags as Flags
  const headers = (header ?? []).map((line) => /^([^:]+):\s*(.*?)\s*$/s.exec(line)?.slice(1))
  const bad = headers.indexOf(undefined)
  if (bad !== -1) return misused(`-H ${JSON.stringify(header?.[bad])} is not like 'name: value'`, io)
  const written = await loadWritten(file, parsed.flags, io)
  if (written === undefined) return Exit.badConfig
  let explanation: Explanation
  try {
    explanation = explanationOf(new Model(written), { method, url, headers: headers.flat() as string[], from })
  } catch (error) {
    if (error instanceof AskedBadly) return misused(error.message, io)
    throw error
  }
  io.stdout(json === true ? `${JSON.stringify(explanation, undefined, 2)}\n` : explanationText(explanation))
  return explanation.route === undefined ? Exit.no : Exit.ok
}

interface Flags {
  readonly header?: readonly string[]
  readonly from?: string
  readonly json?: boolean
}

function defaults(files: readonly string[], io: Io): number {
  if (files.length > 0) return misused('--defaults stands alone', io)
  const values = keyDocs(DEFAULT_LANGUAGE).keys.filter(
    ({ fallback, group }) => fallback !== undefined && !(group && isEmpty(fallback)),
  )
  io.stdout(
    columns(
      values.map(({ fallback, path }) => [path, textOf(nodeOf(fallback))]),
      0,
    ),
  )
  return Exit.ok
}

/** A map whose keys follow. */
function isEmpty(fallback: unknown): boolean {
  return typeof fallback === 'object' && fallback !== null && Object.keys(fallback).length === 0
}

function misused(problem: string, io: Io): number {
  io.stderr(`sluice explain: ${problem}\n`)
  return Exit.usage
}
