import type { readChained } from './chain.ts'

/** Entries of a block, and bytes: what is read to find one of them. */
const MOST_ENTRIES = 256
const MOST_BYTES = 65_536
/** Names that a block lists; with more, it may have any. */
const MOST_NAMES = 32

/** Some lines of a file one after another, and what is in them: most questions can do without reading them. */
export interface AuditBlock {
  /** Number of the file. */
  readonly file: number
  /** Its bytes in the file. */
  readonly from: number
  readonly to: number
  readonly entries: number
  /** Numbers of its first and last entry. */
  readonly first: number
  readonly last: number
  /** Of its last line. */
  readonly hash: string
  /** Least and greatest time, milliseconds since the epoch: clocks are set back at times. */
  readonly earliest: number
  readonly latest: number
  /** undefined: too many to list. */
  readonly actors: readonly string[] | undefined
  readonly actions: readonly string[] | undefined
}

/** Which entries are asked for; undefined: any. */
export interface AuditFilter {
  /** Only those of a smaller number. */
  readonly before: number | undefined
  readonly actor: string | undefined
  readonly action: string | undefined
  /** Milliseconds since the epoch; both are included. */
  readonly since: number | undefined
  readonly until: number | undefined
}

export type AuditEntry = NonNullable<ReturnType<typeof readChained>>

/** A line with its place. */
export interface AuditLine {
  readonly file: number
  readonly from: number
  /** After its line feed. */
  readonly to: number
  readonly hash: string
  /** undefined: it is none, which `verify` tells. */
  readonly entry: AuditEntry | undefined
}

/** The block with the line that follows it, or a new one. */
export function blockWith(block: AuditBlock | undefined, line: AuditLine): AuditBlock {
  const { entry, file, from, hash, to } = line
  const fits = block !== undefined && block.to === from && block.entries < MOST_ENTRIES && to - block.from <= MOST_BYTES
  const before = fits ? block : undefined
  if (entry === undefined) return { ...(before ?? emptyBlock(file, from)), to, hash }
  const { actors, actions, earliest, entries, first, latest, from: start } = before ?? emptyBlock(file, from)
  const time = timeOf(entry)
  return {
    file,
    from: start,
    to,
    entries: entries + 1,
    first: entries === 0 ? entry.number : Math.min(first, entry.number),
    last: entry.number,
    hash,
    earliest: entries === 0 ? time : Math.min(earliest, time),
    latest: Math.max(latest, time),
    actors: withName(actors, actorOf(entry)),
    actions: withName(actions, actionOf(entry)),
  }
}

/** Whether one of its entries may pass. */
export function mayPass(block: AuditBlock, { action, actor, before, since, until }: AuditFilter): boolean {
  if (before !== undefined && block.first >= before) return false
  if (since !== undefined && block.latest < since) return false
  if (until !== undefined && block.earliest > until) return false
  return lists(block.actors, actor) && lists(block.actions, action)
}

export function passesFilter(entry: AuditEntry, { action, actor, before, since, until }: AuditFilter): boolean {
  if (before !== undefined && entry.number >= before) return false
  if (action !== undefined && actionOf(entry) !== action) return false
  if (actor !== undefined && actorOf(entry) !== actor) return false
  const time = timeOf(entry)
  return (since === undefined || time >= since) && (until === undefined || time <= until)
}

function emptyBlock(file: number, from: number): AuditBlock {
  const none = { entries: 0, first: 0, last: 0, earliest: 0, latest: 0 }
  return { file, from, to: from, hash: '', ...none, actors: [], actions: [] }
}

/** The name of a token, or as a trusted proxy says; without one, what caused it: `file`, `signal`, `start`. */
function actorOf({ who }: AuditEntry): string {
  const { by, name } = (who ?? {}) as { readonly by?: unknown; readonly name?: unknown }
  return String(name ?? by ?? '')
}

function actionOf({ action }: AuditEntry): string {
  return String(action ?? '')
}

function timeOf({ time }: AuditEntry): number {
  return Date.parse(time) || 0
}

function withName(names: readonly string[] | undefined, name: string): readonly string[] | undefined {
  if (names === undefined || names.includes(name)) return names
  return names.length === MOST_NAMES ? undefined : [...names, name]
}

function lists(names: readonly string[] | undefined, wanted: string | undefined): boolean {
  return names === undefined || wanted === undefined || names.includes(wanted)
}
