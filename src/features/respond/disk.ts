import { type BigIntStats, close, constants, fstat, open, read, realpath } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { isUnavailable, type Unavailable } from '../../core/link.ts'
import type { Relief, Stalled, Want } from '../../core/relief.ts'
import type { StateHolder, StateSlot } from '../../core/state-slot.ts'
import type { Refusal } from '../../core/verdict.ts'
import type { Representation } from '../../http/conditional.ts'
import { Slots } from '../../lib/slots.ts'

/**
 * Jobs for the file system that a worker has in progress at a time. They run in libuv's pool of four threads, which the whole
 * process shares: a file system that hangs (NFS) must not take all of it.
 */
const MOST_JOBS = 2
/** Requests of a worker that wait for their file to be opened; further ones are refused. */
const MOST_WAITING = 1_024
/** Files that a worker has open. */
const MOST_OPEN = 512
/** Files of which it is kept where they lie. */
const MOST_PLACED = 10_000

/** A pipe without a writer does not block, a terminal does not become ours. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY

export const NOT_FOUND: Refusal = { reason: 'not_found', phase: 'request' }
export const FORBIDDEN: Refusal = { reason: 'forbidden', phase: 'request', detail: 'This may not be read.' }
const OVERLOADED: Refusal = { reason: 'overloaded', phase: 'request', detail: 'Too many files are open.' }
const UNPLACED: Refusal = {
  reason: 'overloaded',
  phase: 'request',
  detail: 'Nothing told in time where the file lies.',
}

/** Answers with the path of a descriptor, as {@link PathOf}. */
export const PATH_OF = 'pathOf'

/** Where an open file is now, links resolved; undefined: this system does not tell. */
export type PathOf = (fd: number) => Promise<string | undefined | Unavailable>

const calls = {
  open: promisify(open),
  fstat: promisify(fstat),
  realpath: promisify(realpath.native),
}

/** The files that one worker reads. */
export class Disk implements Want {
  /** Nothing waits: what finds no place is refused at once. */
  readonly waiting = 0
  readonly call = undefined
  readonly jobs: Slots = new Slots(MOST_JOBS)
  private readonly relief: Relief
  /** The file of a request. */
  private readonly held: StateSlot<OpenFile>
  private readonly pathOf: PathOf
  /** Files that lay in the folder that was asked for, as they were then: asking costs more than opening. */
  private readonly placed = new Set<string>()
  private opened = 0

  constructor(relief: Relief, held: StateSlot<OpenFile>, pathOf: PathOf) {
    this.relief = relief
    this.held = held
    this.pathOf = pathOf
  }

  frees({ ex }: Stalled): boolean {
    return this.held.of(ex)?.closed === false
  }

  /**
   * Opens a regular file. `root`: the folder that it must lie in after all symbolic links; undefined: anywhere. What is
   * neither file nor folder is not found.
   */
  async open(ex: StateHolder, path: string, root?: string): Promise<OpenFile | 'folder' | Refusal> {
    if (this.jobs.waiting >= MOST_WAITING || !this.hasPlace) return OVERLOADED
    this.opened++
    await new Promise<void>((resolve) => void this.jobs.take(resolve))
    const found = await this.find(path, root)
    this.jobs.give()
    if (found instanceof OpenFile) this.held.set(ex, found)
    else this.opened--
    return found
  }

  /** @internal */
  closed(fd: number): void {
    this.opened--
    close(fd, () => {})
  }

  private get hasPlace(): boolean {
    return this.opened < MOST_OPEN || (this.relief.end(this) && this.opened < MOST_OPEN)
  }

  private async find(path: string, root: string | undefined): Promise<OpenFile | 'folder' | Refusal> {
    const found = await this.look(path, root)
    // A root that is a link was swapped for another folder meanwhile.
    const again = found === 'elsewhere' ? await this.look(path, root) : found
    return again === 'elsewhere' ? NOT_FOUND : again
  }

  private async look(path: string, root: string | undefined): Promise<OpenFile | 'folder' | 'elsewhere' | Refusal> {
    let base: string | undefined
    if (root !== undefined) {
      try {
        base = await calls.realpath(root)
      } catch (error) {
        return unreadable(error)
      }
    }
    let fd: number | undefined
    try {
      const real = base === undefined ? path : await calls.realpath(path)
      if (!isWithin(real, base)) return NOT_FOUND
      // What has become a link since then leads elsewhere. A worker may read what is below `root`, by that name only.
      fd = await (base === undefined
        ? calls.open(path, FLAGS)
        : calls.open(join(root as string, real.slice(base.length)), FLAGS | constants.O_NOFOLLOW))
      const found = await calls.fstat(fd, { bigint: true })
      const place = base === undefined ? 'within' : await this.placeOf(fd, found, base)
      if (place !== 'within') return place
      if (!found.isFile()) return found.isDirectory() ? 'folder' : NOT_FOUND
      const file = new OpenFile(this, fd, Number(found.size), found.mtimeNs)
      fd = undefined
      return file
    } catch (error) {
      return refusalOf(error)
    } finally {
      if (fd !== undefined) close(fd, () => {})
    }
  }

  /** Whether a folder has an open file in it: a folder on the way may have become a link after it was looked at. */
  private async placeOf(
    fd: number,
    { ctimeNs, dev, ino }: BigIntStats,
    base: string,
  ): Promise<'within' | 'elsewhere' | Refusal> {
    // What is moved has another time of change.
    const key = `${dev}:${ino}:${ctimeNs}:${base}`
    if (this.placed.has(key)) return 'within'
    const path = await this.pathOf(fd)
    if (isUnavailable(path)) return UNPLACED
    if (path !== undefined && !isWithin(path, base)) return 'elsewhere'
    if (this.placed.size >= MOST_PLACED) this.placed.clear()
    this.placed.add(key)
    return 'within'
  }
}

/** A file that is read; the descriptor is closed once. */
export class OpenFile implements Representation {
  readonly etag: string
  readonly modified: number
  readonly size: number
  closed = false
  private readonly disk: Disk
  private readonly fd: number

  constructor(disk: Disk, fd: number, size: number, modifiedNs: bigint) {
    this.disk = disk
    this.fd = fd
    this.size = size
    this.etag = `"${modifiedNs.toString(36)}-${size.toString(36)}"`
    this.modified = Number(modifiedNs / 1_000_000_000n) * 1000
  }

  /** Up to `length` bytes, none at the end of the file. Returns what takes the job out of the line. Not after `close`. */
  read(position: number, length: number, done: (error: Error | null, chunk: Buffer) => void): () => boolean {
    const { jobs } = this.disk
    const job = (): void => {
      const buffer = Buffer.allocUnsafeSlow(length)
      read(this.fd, buffer, 0, length, position, (error, count) => {
        jobs.give()
        done(error, buffer.subarray(0, count))
      })
    }
    return jobs.take(job)
  }

  /** Not while a read is in progress: its descriptor might be another file's by then. */
  close(): void {
    if (this.closed) return
    this.closed = true
    this.disk.closed(this.fd)
  }
}

function isWithin(path: string, base: string | undefined): boolean {
  return base === undefined || path === base || path.startsWith(base.endsWith('/') ? base : `${base}/`)
}

const NOWHERE: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP', 'ENXIO', 'ENODEV'])
const DENIED: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM', 'ERR_ACCESS_DENIED'])
const EXHAUSTED: ReadonlySet<unknown> = new Set(['EMFILE', 'ENFILE', 'ENOMEM'])

function refusalOf(error: unknown): Refusal {
  const { code } = error as NodeJS.ErrnoException
  if (NOWHERE.has(code)) return NOT_FOUND
  if (DENIED.has(code)) return FORBIDDEN
  return EXHAUSTED.has(code) ? OVERLOADED : unreadable(error)
}

/** A fault of ours, and not of what was asked for. */
function unreadable(error: unknown): Refusal {
  return { reason: 'internal', phase: 'request', origin: 'sluice', rule: faultRule(error) }
}

/** The system's name of what went wrong, for logs. */
export function faultRule(error: unknown): string {
  return `file: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}`
}
