import { stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { unreadable } from '../config/read/files.ts'
import { stateFolders } from '../control/machine/state-dir.ts'
import { AUDIT_FOLDER } from '../control/operations/audit/folder.ts'
import { type AuditVerdict, verifyAudit } from '../control/operations/audit/verify.ts'
import { systemClock } from '../lib/clock.ts'
import { nodeOf } from '../schema/node.ts'
import { duration } from '../schema/scalars.ts'
import { At, INVALID } from '../schema/schema.ts'
import { ADMIN_OPTIONS, withAdmin } from './admin.ts'
import { Exit, type Io } from './io.ts'
import { parseOptions } from './options.ts'

interface Entry {
  readonly number: number
  readonly time: string
  readonly action: string
  readonly who: { readonly by: string; readonly name?: string; readonly role?: string; readonly peer?: string }
  readonly outcome: string
  readonly status?: number
  readonly problem?: string
  readonly before?: Readonly<Record<string, string>>
  readonly after?: Readonly<Record<string, string>>
  readonly kept?: readonly string[]
}

/** `sluice audit verify [DIR|FILE]` and `sluice audit show [--json] [--since 1h]`. */
export async function audit([verb, ...args]: readonly string[], io: Io): Promise<number> {
  if (verb === 'verify') return verify(args, io)
  if (verb === 'show') return show(args, io)
  return usage('expected verify [DIR|FILE], or show', io)
}

/** 0: every line follows the one before; 3: the first that does not is named. */
async function verify(args: readonly string[], io: Io): Promise<number> {
  const parsed = parseOptions(args, {})
  if (typeof parsed === 'string' || parsed.files.length > 1)
    return usage(typeof parsed === 'string' ? parsed : 'expected one folder or file', io)
  const paths = parsed.files.length === 0 ? await ownLogs(io.env) : parsed.files
  if (paths.length === 0) {
    io.stderr('sluice audit: no gateway of this user has an audit log; name its folder, or stateDir of its config\n')
    return Exit.failed
  }
  let exit: number = Exit.ok
  for (const path of paths) {
    try {
      const verdict = await verifyAudit(path)
      io.stdout(verdictText(path, verdict))
      if (verdict.broken !== undefined) exit = Exit.no
    } catch (error) {
      io.stderr(`sluice audit: ${path}: ${unreadable(error)}\n`)
      return Exit.failed
    }
  }
  return exit
}

function verdictText(path: string, { broken, entries, first, last, torn }: AuditVerdict): string {
  if (broken !== undefined) return `${broken.file}:${broken.line}: ${broken.why}; ${entries} before it are in order\n`
  const kept = first > 1 ? `, the first of them number ${first}: older files are gone` : ''
  const note = torn ? 'the end of the last line is missing, as after a crash; the next start repairs it\n' : ''
  return `${path}: ok, ${entries} entries${kept}\nlast: number ${last.number}, SHA-256 ${last.hash}\n${note}`
}

/** Of the gateways of this user. */
async function ownLogs(env: Io['env']): Promise<readonly string[]> {
  const folders = await stateFolders({ configured: undefined, env, home: homedir() })
  const logs = folders.map((folder) => join(folder, AUDIT_FOLDER))
  const there = await Promise.all(logs.map((log) => stat(log).then(Boolean, () => false)))
  return logs.filter((_, i) => there[i])
}

async function show(args: readonly string[], io: Io): Promise<number> {
  const parsed = parseOptions(args, { ...ADMIN_OPTIONS, json: { type: 'boolean' }, since: { type: 'string' } })
  if (typeof parsed === 'string' || parsed.files.length > 0)
    return usage(typeof parsed === 'string' ? parsed : 'show takes no arguments', io)
  const { json, since } = parsed.flags
  const ms = since === undefined ? Number.POSITIVE_INFINITY : duration().read(nodeOf(since), new At([]))
  if (ms === INVALID) return usage('--since is a duration such as 30m, 1h or 7d', io)
  return withAdmin('audit', parsed.flags, io, async (client) => {
    const { entries } = (await client.get('audit?limit=1000')) as { entries: readonly Entry[] }
    const shown = entries.filter(({ time }) => Date.parse(time) >= systemClock.wall() - ms)
    if (json === true) io.stdout(`${JSON.stringify(shown, undefined, 2)}\n`)
    else for (const entry of shown) io.stdout(`${entryText(entry)}\n`)
  })
}

function entryText({ action, after, before, kept = [], number, outcome, problem, status, time, who }: Entry): string {
  const name = who.name === undefined ? who.by : `${who.name} (${who.role}, ${who.by}, ${who.peer})`
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])]
  const changes = names.map((key) => ` ${key}: ${short(before?.[key])} -> ${short(after?.[key])}`)
  const end = `${outcome}${status === undefined ? '' : ` ${status}`}`
  const why = problem === undefined ? '' : `: ${problem}`
  // A config may be live except for some parts, which the problem is about.
  const what =
    kept.length === 0
      ? `${end}${why}${changes.join(',')}`
      : `${end}${changes.join(',')}  not live: ${kept.join(', ')}${why}`
  return `${String(number).padStart(5)}  ${time}  ${name}  ${action}  ${what}`
}

/** Hashes are long; their first digits distinguish them. */
function short(value: string | undefined): string {
  return value === undefined ? '-' : /^[0-9a-f]{64}$/.test(value) ? value.slice(0, 12) : value
}

function usage(message: string, io: Io): number {
  io.stderr(`sluice audit: ${message}\n`)
  return Exit.usage
}
