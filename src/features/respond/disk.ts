import { type BigIntStats, close, constants, fstat, open, read, realpath } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Relief, Stalled, Want } from '../../core/relief.ts'
import type { StateHolder, StateSlot } from '../../core/state-slot.ts'
import type { Refusal } from '../../core/verdict.ts'
import type { Representation } from '../../http/conditional.ts'
import { isWithin } from '../../lib/folders.ts'
import { Slots } from '../../lib/slots.ts'
import { type PathOf, Places } from './places.ts'

/**
 * Jobs for the file system that a worker has in progress at a time. They run in libuv's pool of four threads, which the whole
 * process shares: a file system that hangs (NFS) must not take all of it.
 */
const MOST_JOBS = 2
/** Requests of a worker that wait for their file to be opened; further ones are refused. */
const MOST_WAITING = 1_024
/** Files that a worker has open, or is about to open. */
const MOST_OPEN = 512

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

const calls = {
  open: promisify(open),
  fstat: promisify(fstat),
  realpath: promisify(realpath.native),
}

/** A descriptor, which is closed by the one who has it. */
interface Opened {
  readonly fd: number
  readonly stats: BigIntStats
  /** The folder that it must lie in, without links; undefined: anywhere. */
  readonly base: string | undefined
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
  private readonly places: Places
  private opened = 0

  constructor(relief: Relief, held: StateSlot<OpenFile>, pathOf: PathOf) {
    this.relief = relief
    this.held = held
    this.places = new Places(pathOf)
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
    const found = await this.find(path, root)
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
    await new Promise<void>((resolve) => void this.jobs.take(resolve))
    const opened = await openBelow(path, root)
    // Before the control plane is asked: what others read does not wait for it.
    this.jobs.give()
    if ('reason' in opened) return opened
    const { base, fd, stats } = opened
    const place = base === undefined ? 'within' : await this.places.of(fd, stats, base)
    if (place === 'within' && stats.isFile()) return new OpenFile(this, fd, Number(stats.size), stats.mtimeNs)
    close(fd, () => {})
    if (place === 'within') return stats.isDirectory() ? 'folder' : NOT_FOUND
    return place === 'untold' ? UNPLACED : place
  }
}

async function openBelow(path: string, root: string | undefined): Promise<Opened | Refusal> {
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
    if (root === undefined || base === undefined) fd = await calls.open(path, FLAGS)
    else {
      const real = await calls.realpath(path)
      if (!isWithin(real, base)) return NOT_FOUND
      const rest = real.slice(base.length)
      // What has become a link since then leads elsewhere, but for `root`, which may be one. A worker may read what is below
      // `root`, by that name only.
      fd = await calls.open(join(root, rest), rest === '' ? FLAGS : FLAGS | constants.O_NOFOLLOW)
    }
    return { fd, stats: await calls.fstat(fd, { bigint: true }), base }
  } catch (error) {
    if (fd !== undefined) close(fd, () => {})
    return refusalOf(error)
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
