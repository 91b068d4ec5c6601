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
import { ADMIN_OPTIONS, type AdminClient, withAdmin } from './admin.ts'
import { Exit, type Io } from './io.ts'
import { parseOptions } from './options.ts'

const SHOW_OPTIONS = {
  json: { type: 'boolean' },
  action: { type: 'string' },
  actor: { type: 'string' },
  limit: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
} as const
const MOST_SHOWN = 1000
/** The API gives no more at once. */
const PAGE = 1000

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

/** `sluice audit verify [DIR|FILE]`, and `sluice audit show` with {@link SHOW_OPTIONS}. */
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
  const parsed = parseOptions(args, { ...ADMIN_OPTIONS, ...SHOW_OPTIONS })
  if (typeof parsed === 'string' || parsed.files.length > 0)
    return usage(typeof parsed === 'string' ? parsed : 'show takes no arguments', io)
  const { action, actor, json, limit = String(MOST_SHOWN), since, until } = parsed.flags
  if (!/^[1-9]\d{0,5}$/.test(String(limit))) return usage('--limit is a number from 1 to 999999', io)
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries({ action, actor })) if (value !== undefined) query.set(name, String(value))
  for (const [name, value] of Object.entries({ since, until })) {
    const time = value === undefined ? '' : timeOf(String(value))
    if (time === undefined)
      return usage(`--${name} is a time such as 2026-11-30T09:00:00Z, or so long ago: 30m, 7d`, io)
    if (time !== '') query.set(name, time)
  }
  return withAdmin('audit', parsed.flags, io, async (client) => {
    const shown = await pages(client, query, Number(limit))
    if (json === true) io.stdout(`${JSON.stringify(shown, undefined, 2)}\n`)
    else for (const entry of shown) io.stdout(`${entryText(entry)}\n`)
  })
}

/** The latest entries, the oldest of them first. */
async function pages(client: AdminClient, query: URLSearchParams, limit: number): Promise<readonly Entry[]> {
  const found: (readonly Entry[])[] = []
  let left = limit
  let before: number | null = null
  do {
    query.set('limit', String(Math.min(left, PAGE)))
    if (before !== null) query.set('before', String(before))
    const page = (await client.get(`audit?${query}`)) as { entries: readonly Entry[]; before: number | null }
    found.unshift(page.entries)
    left -= page.entries.length
    before = page.before
  } while (before !== null && left > 0)
  return found.flat()
}

/** RFC 3339, of a time or of so long ago. */
function timeOf(written: string): string | undefined {
  const ms = duration(1, 3_650 * 86_400_000).read(nodeOf(written), new At([]))
  if (ms !== INVALID) return new Date(systemClock.wall() - ms).toISOString()
  return /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(written) && !Number.isNaN(Date.parse(written))
    ? new Date(written).toISOString()
    : undefined
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
