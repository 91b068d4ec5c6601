import { type Change, type ConfigDiff, diffConfigs, type Named } from '../tools/explain/diff.ts'
import { printable } from './columns.ts'
import { SOURCE_OPTIONS } from './config-source.ts'
import { Exit, type Io } from './io.ts'
import { loadWritten } from './load.ts'
import { parseOptions } from './options.ts'
import { PLUGINS } from './plugins.ts'

/** Names that a line shows of those with the same change. */
const MOST_NAMES = 8

/** `sluice diff OLD NEW [--json]`: how two configs differ in meaning. 3 when they do. */
export async function diff(args: readonly string[], io: Io): Promise<number> {
  const parsed = parseOptions(args, { json: { type: 'boolean' }, ...PLUGINS, ...SOURCE_OPTIONS })
  const [old, now, ...rest] = typeof parsed === 'string' ? [] : parsed.files
  if (typeof parsed === 'string' || old === undefined || now === undefined || rest.length > 0) {
    io.stderr(`sluice diff: ${typeof parsed === 'string' ? parsed : 'expected OLD NEW'}\n`)
    return Exit.usage
  }
  const [before, after] = [await loadWritten(old, parsed.flags, io), await loadWritten(now, parsed.flags, io)]
  if (before === undefined || after === undefined) return Exit.badConfig
  const found = diffConfigs(before, after)
  io.stdout(parsed.flags.json === true ? `${JSON.stringify(found, undefined, 2)}\n` : diffText(found))
  return found.same ? Exit.ok : Exit.no
}

function diffText({ added, changed, removed, same }: ConfigDiff): string {
  if (same) return 'the same\n'
  const lines = [
    ...removed.map((one) => namedLine('-', one)),
    ...added.map((one) => namedLine('+', one)),
    ...changed.map(changeLine),
  ]
  return lines.map((line) => `${printable(line)}\n`).join('')
}

function namedLine(sign: string, { kind, name, summary }: Named): string {
  return `${sign} ${kind}.${name}: ${summary}`
}

/** `~ routes.orders.retries.maxExtra: 2 -> 3`; names that share a change stand in braces. */
function changeLine({ added, after, before, key, kind, names, removed }: Change): string {
  const shown = names.length > MOST_NAMES ? [...names.slice(0, MOST_NAMES), `… ${names.length} in all`] : names
  const owner = kind === 'global' ? '' : `${kind}.${names.length === 1 ? names[0] : `{${shown.join(', ')}}`}.`
  const items = [...removed.map((item) => `- ${item}`), ...added.map((item) => `+ ${item}`)]
  const what = items.length === 0 ? `${before ?? '(none)'} -> ${after ?? '(none)'}` : items.join(', ')
  return `~ ${owner}${key}: ${what}`
}
