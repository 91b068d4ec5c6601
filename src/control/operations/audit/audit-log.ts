import { mkdir, open, rm } from 'node:fs/promises'
import type { Clock } from '../../../lib/clock.ts'
import type { AuditIndex } from './audit-index.ts'
import { type ChainLink, chainedLine, readChained } from './chain.ts'
import { auditFile, auditFiles, sizeOf, syncFolder } from './folder.ts'
import { repairedTail, type Tail } from './tail.ts'

export interface AuditLimits {
  /** From this size on a new file is begun. */
  readonly fileBytes: number
  /** Older files are removed. */
  readonly files: number
}

const LIMITS: AuditLimits = { fileBytes: 4 * 1_048_576, files: 32 }

export interface AuditLogOptions {
  readonly folder: string
  readonly index: Pick<AuditIndex, 'tail' | 'appended'>
  readonly clock: Clock
  readonly limits?: AuditLimits
  /** A crash had cut a line short: so many bytes of it were removed. */
  readonly repaired: (bytes: number) => void
  /** So many lines were cut off its end: the next one shows the gap. */
  readonly shortened: (lines: number) => void
}

/**
 * Files of JSON lines, each of which contains the hash of the one before, the first line of a file that of the last one in
 * the previous file. An appended line has reached the disk. Another process may append to the same files, if not at the
 * same moment.
 */
export class AuditLog {
  private readonly options: AuditLogOptions
  private readonly limits: AuditLimits
  private tail: Tail | undefined = undefined
  private turn: Promise<unknown> = Promise.resolve()

  constructor(options: AuditLogOptions) {
    this.options = options
    this.limits = options.limits ?? LIMITS
  }

  /** Resolves when the entry is on disk. Rejects when it is not; the chain is whole then, too. */
  append(entry: object): Promise<ChainLink> {
    const done = this.turn.then(() => this.write(entry))
    this.turn = done.catch(() => {
      // Whether it reached the disk is unknown: it is looked up.
      this.tail = undefined
    })
    return done
  }

  private async write(entry: object): Promise<ChainLink> {
    const { clock, folder, index } = this.options
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const tail = await this.currentTail()
    const { line, link } = chainedLine(entry, tail.last, clock.wall())
    const bytes = Buffer.from(`${line}\n`)
    const isNew = tail.file === 0 || tail.size >= this.limits.fileBytes
    const file = isNew ? tail.file + 1 : tail.file
    await this.put(file, bytes, isNew)
    const from = isNew ? 0 : tail.size
    this.tail = { file, size: from + bytes.length, last: link, cut: 0 }
    index.appended({ file, from, to: this.tail.size, hash: link.hash, entry: readChained(line) })
    if (isNew) await this.removeOld()
    return link
  }

  /** As remembered, by this process or the one before, so that a change of the last line shows; as on disk, if another has appended. */
  private async currentTail(): Promise<Tail> {
    const { folder, index, repaired, shortened } = this.options
    const known = this.tail ?? index.tail
    const same = known !== undefined && (await sizeOf(auditFile(folder, known.file))) === known.size
    if (same && (await auditFiles(folder)).at(-1) === known.file) return known
    const tail = await repairedTail(folder)
    if (tail.cut > 0) repaired(tail.cut)
    if (known === undefined || tail.last.number >= known.last.number) return tail
    shortened(known.last.number - tail.last.number)
    return { ...tail, last: known.last }
  }

  private async put(number: number, bytes: Uint8Array, isNew: boolean): Promise<void> {
    const { folder } = this.options
    const handle = await open(auditFile(folder, number), 'a', 0o600)
    try {
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
    if (isNew) await syncFolder(folder)
  }

  private async removeOld(): Promise<void> {
    const { folder } = this.options
    const numbers = await auditFiles(folder)
    for (const old of numbers.slice(0, Math.max(0, numbers.length - this.limits.files)))
      await rm(auditFile(folder, old), { force: true })
  }
}
