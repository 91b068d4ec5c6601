import { AskedBadly } from '../explain/asked.ts'
import { type Explanation, explain as explanationOf } from '../explain/explain.ts'
import { Model } from '../explain/model.ts'
import { explanationText } from './explain-text.ts'
import { Exit, type Io } from './io.ts'
import { loadWritten } from './load.ts'
import { parseOptions } from './options.ts'

/**
 * `sluice explain FILE METHOD URL [-H 'name: value']… [--from ADDRESS] [--json]`: which route gets a request, and why. 3
 * when none does.
 */
export async function explain(args: readonly string[], io: Io): Promise<number> {
  const parsed = parseOptions(args, {
    header: { type: 'string', short: 'H', multiple: true },
    from: { type: 'string' },
    json: { type: 'boolean' },
  })
  if (typeof parsed === 'string') return misused(parsed, io)
  const [file, method, url, ...rest] = parsed.files
  if (file === undefined || method === undefined || url === undefined || rest.length > 0)
    return misused("expected FILE METHOD URL [-H 'name: value']…", io)
  const { from, header, json } = parsed.flags as Flags
  const headers = (header ?? []).map((line) => /^([^:]+):\s*(.*?)\s*$/s.exec(line)?.slice(1))
  const bad = headers.indexOf(undefined)
  if (bad !== -1) return misused(`-H ${JSON.stringify(header?.[bad])} is not like 'name: value'`, io)
  const written = await loadWritten(file, io)
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

function misused(problem: string, io: Io): number {
  io.stderr(`sluice explain: ${problem}\n`)
  return Exit.usage
}
