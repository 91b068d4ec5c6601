import { readCommand } from '../../../core/command.ts'
import { isUnavailable } from '../../../core/link.ts'
import type { Store } from '../../../core/store.ts'
import { list, object, optional, required } from '../../../schema/composites.ts'
import { integer, pattern, text } from '../../../schema/scalars.ts'
import {
  type AuditBlock,
  type AuditEntry,
  type AuditFilter,
  type AuditLine,
  blockWith,
  mayPass,
  passesFilter,
} from './blocks.ts'
import { auditFile, auditFiles, sizeOf } from './folder.ts'
import { auditLines } from './lines.ts'
import type { Tail } from './tail.ts'

/** In the store of the gateway. */
const PREFIX = 'audit/'
const PAGE = 1_000
/** As many as the largest log has; a bound of what a file may contain. */
const MOST_BLOCKS = 10_000
/** Read for one question; what was found by then is a part of the answer. */
const MOST_READ = 16 * 1_048_576

const COUNT = integer(0, Number.MAX_SAFE_INTEGER)
const NAMES = optional(list(text()), 'Without: too many.')

const BLOCK = object({
  file: required(integer(1, 1e12), 'Number of the file.'),
  from: required(COUNT, 'Its first byte.'),
  to: required(COUNT, 'The byte after it.'),
  entries: required(COUNT, 'How many.'),
  first: required(COUNT, 'Number of the first one.'),
  last: required(COUNT, 'Number of the last one.'),
  hash: required(pattern('a SHA-256', /^[0-9a-f]{64}$/), 'Of the last line.'),
  earliest: required(integer(-1e16, 1e16), 'Milliseconds since the epoch.'),
  latest: required(integer(-1e16, 1e16), 'Milliseconds since the epoch.'),
  actors: NAMES,
  actions: NAMES,
})

/** Entries, the oldest first. */
export interface AuditPage {
  readonly entries: readonly AuditEntry[]
  /** There may be more: those before this number; undefined: there are none. */
  readonly before: number | undefined
}

/**
 * What is where in the files of an audit log. Everything in it stands in the files: what the store does not have, or had of
 * other files, is read from them.
 */
export class AuditIndex {
  private readonly folder: string
  private readonly store: Store
  /** By file, each from its first byte on without gaps. */
  private readonly files = new Map<number, AuditBlock[]>()
  private readonly unwritten = new Map<string, AuditBlock | undefined>()
  private writing = false
  private following: Promise<void> | undefined = undefined

  constructor(folder: string, store: Store) {
    this.folder = folder
    this.store = store
  }

  /** Reads what the store has of it: the end of the log is known then. */
  async load(): Promise<void> {
    let after: string | undefined
    let read = 0
    do {
      const page = await this.store.scan(PREFIX, after === undefined ? { limit: PAGE } : { limit: PAGE, after })
      if (isUnavailable(page)) return
      // What does not fit is of files that were made anew.
      for (const { key, value } of page.entries) if (!this.adopts(readBlock(value))) this.write(key, undefined)
      read += page.entries.length
      after = page.after
    } while (after !== undefined && read < MOST_BLOCKS)
  }

  /** Where the log ended when this was written last; undefined: unknown. */
  get tail(): Tail | undefined {
    const file = Math.max(0, ...this.files.keys())
    const block = this.files.get(file)?.at(-1)
    return block && { file, size: block.to, last: { number: block.last, hash: block.hash }, cut: 0 }
  }

  /** This has been appended to the log. */
  appended(line: AuditLine): void {
    const last = this.files.get(line.file)?.at(-1)
    // It has been read already.
    if (last?.to === line.to && last.hash === line.hash) return
    // The file was made anew.
    if (last !== undefined && line.from < last.to) this.drop(line.file)
    this.add(line)
  }

  /** Files were removed, or another process has appended: reads what is new of them. */
  follow(): Promise<void> {
    this.following ??= this.catchUp().finally(() => {
      this.following = undefined
    })
    return this.following
  }

  /** The latest entries that pass. Rejects where the files cannot be read. */
  async find(filter: AuditFilter, limit: number): Promise<AuditPage> {
    await this.follow()
    const found: AuditEntry[] = []
    let read = 0
    for (const block of this.candidates(filter)) {
      if (read >= MOST_READ) return { entries: found.reverse(), before: block.last + 1 }
      read += block.to - block.from
      const passed: AuditEntry[] = []
      for await (const { entry } of auditLines(this.folder, block.file, block.from, block.to))
        if (entry !== undefined && passesFilter(entry, filter)) passed.push(entry)
      found.push(...passed.reverse())
      if (found.length > limit) return { entries: found.slice(0, limit).reverse(), before: found[limit - 1]?.number }
    }
    return { entries: found.reverse(), before: undefined }
  }

  /** The latest first. */
  private candidates(filter: AuditFilter): readonly AuditBlock[] {
    const files = Array.from(this.files).sort(([a], [b]) => a - b)
    const blocks = files.flatMap(([, blocks]) => blocks.filter((block) => mayPass(block, filter)))
    return blocks.reverse()
  }

  private async catchUp(): Promise<void> {
    const { folder } = this
    const numbers = await auditFiles(folder)
    for (const file of this.files.keys()) if (!numbers.includes(file)) this.drop(file)
    for (const file of numbers) {
      const size = await sizeOf(auditFile(folder, file))
      if (size < this.coveredOf(file)) this.drop(file)
      const covered = this.coveredOf(file)
      if (size > covered) for await (const line of auditLines(folder, file, covered)) this.add(line)
    }
  }

  private coveredOf(file: number): number {
    return this.files.get(file)?.at(-1)?.to ?? 0
  }

  /** From the store; one after a gap is of no use. */
  private adopts(block: AuditBlock | undefined): boolean {
    if (block === undefined || block.from !== this.coveredOf(block.file) || block.to <= block.from) return false
    const blocks = this.files.get(block.file)
    if (blocks === undefined) this.files.set(block.file, [block])
    else blocks.push(block)
    return true
  }

  private add(line: AuditLine): void {
    if (line.from !== this.coveredOf(line.file)) return
    const blocks = this.files.get(line.file) ?? []
    const before = blocks.at(-1)
    const block = blockWith(before, line)
    if (block.from === before?.from) blocks.pop()
    blocks.push(block)
    this.files.set(line.file, blocks)
    this.write(keyOf(block), block)
  }

  private drop(file: number): void {
    for (const block of this.files.get(file) ?? []) this.write(keyOf(block), undefined)
    this.files.delete(file)
  }

  private write(key: string, block: AuditBlock | undefined): void {
    this.unwritten.set(key, block)
    void this.flush()
  }

  /** What cannot be written is read from the files by the next process. */
  private async flush(): Promise<void> {
    if (this.writing) return
    this.writing = true
    for (const [key, block] of this.unwritten) {
      this.unwritten.delete(key)
      if (block === undefined) await this.store.delete(key)
      else await this.store.put(key, Buffer.from(JSON.stringify(block)))
    }
    this.writing = false
  }
}

function keyOf({ file, from }: AuditBlock): string {
  return `${PREFIX}${padded(file)}/${padded(from)}`
}

/** Keys come in the order of their bytes. */
function padded(number: number): string {
  return String(number).padStart(16, '0')
}

function readBlock(value: Uint8Array): AuditBlock | undefined {
  try {
    return readCommand(BLOCK, JSON.parse(Buffer.from(value).toString('utf8')))
  } catch {
    return undefined
  }
}
