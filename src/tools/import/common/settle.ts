import { loadConfig } from '../../../config/load.ts'
import { loadDeps } from '../../../config/load-deps.ts'
import { type Diagnostic, diagnosticLine } from '../../../schema/diagnostics.ts'
import type { Draft, DraftEntry } from './draft.ts'
import { writeDraft } from './write.ts'

/** Each round takes out at least one part that does not load. */
const MOST_ROUNDS = 20

/**
 * The file as text that loads: parts that `sluice check` would refuse are taken out and listed, since foreign files may
 * contain any value. Routes that lose their target answer 501. `file`: what was imported; `made`: one line on how.
 */
export async function settleDraft(draft: Draft, file: string, made: string): Promise<string> {
  let text = writeDraft(draft, made)
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const bytes = Buffer.from(text)
    const { diagnostics } = await loadConfig('result', { ...loadDeps({}), readFile: async () => bytes })
    const errors = diagnostics.filter(({ severity }) => severity === 'error')
    const taken = errors.filter((error) => retire(draft, error))
    if (taken.length === 0) {
      for (const error of errors) draft.leave({ file, line: 1 }, 'the result', diagnosticLine(error))
      return text
    }
    text = writeDraft(draft, made)
  }
  return text
}

/** Takes out the part in which the error is. False: it is in none. */
function retire(draft: Draft, { message, path }: Diagnostic): boolean {
  const [, section, quoted] = /^(listeners|profiles|upstreams|routes)\.("(?:[^"\\]|\\.)*"|[\w-]+)/.exec(path) ?? []
  if (section === undefined || quoted === undefined) return false
  const name = quoted.startsWith('"') ? (JSON.parse(quoted) as string) : quoted
  const entries = draft[section as 'routes']
  const entry = entries.get(name)
  if (entry === undefined) return false
  draft.leave(entry.origin, path, message)
  if (section === 'routes' && !isStub(entry)) entries.set(name, stub(entry))
  else entries.delete(name)
  if (section === 'listeners') closeRoutes(draft, name)
  if (draft.listeners.size === 0)
    draft.add('listeners', 'web', { origin: entry.origin, value: { listen: '0.0.0.0:8080' } })
  if (section === 'upstreams') replace(draft, ({ value }) => leadsTo(value.to, name), stub)
  if (section === 'profiles')
    replace(
      draft,
      ({ value }) => value.use === name,
      ({ origin, value }) => ({ origin, value: { ...value, use: undefined } }),
    )
  return true
}

/** Routes that only a listener leads to go with it: without a name they would take any. */
function closeRoutes(draft: Draft, listener: string): void {
  for (const [name, { origin, value }] of draft.routes) {
    const match = value.match as { readonly listeners?: readonly string[] }
    if (match.listeners?.includes(listener) !== true) continue
    const listeners = match.listeners.filter((other) => other !== listener)
    if (listeners.length === 0) draft.routes.delete(name)
    else draft.routes.set(name, { origin, value: { ...value, match: { ...match, listeners } } })
  }
}

function replace(draft: Draft, matches: (entry: DraftEntry) => boolean, by: (entry: DraftEntry) => DraftEntry): void {
  for (const [name, entry] of draft.routes) if (matches(entry)) draft.routes.set(name, by(entry))
}

function leadsTo(to: DraftEntry['value'][string], upstream: string): boolean {
  if (!Array.isArray(to)) return to === upstream
  return to.some((target) => (target as { upstream: string }).upstream === upstream)
}

function stub({ origin, value: { match, precedence } }: DraftEntry): DraftEntry {
  return { origin, value: { match, precedence, respond: { status: 501 } } }
}

function isStub({ value: { respond } }: DraftEntry): boolean {
  return JSON.stringify(respond) === JSON.stringify({ status: 501 })
}
