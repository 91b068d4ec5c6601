import { readdir, stat } from 'node:fs/promises'
import type { Clock, ClockHandle } from '../../lib/clock.ts'

/** How often it is asked whether watching has been switched on. */
const ASLEEP_MS = 1_000

export interface FileWatchOptions {
  readonly clock: Clock
  /** Milliseconds between two looks; undefined: no looking for now. */
  readonly every: () => number | undefined
  /** Files and folders, absolute; those that don't exist yet included. */
  readonly paths: () => readonly string[]
  /** Something has changed, and has stayed unchanged for one look since. Never rejects. */
  readonly onChange: () => Promise<void>
}

/**
 * Looks at files periodically, rather than asking the system for events: that works with network file systems and bind
 * mounts, and however a change is made (in place, by rename, by a swap of symbolic links as Kubernetes does). A file that
 * is still being written is left alone until it has settled.
 */
export class FileWatch {
  private readonly options: FileWatchOptions
  private seen: string
  private resting: string | undefined = undefined
  private timer: ClockHandle = undefined
  private closed = false

  private constructor(options: FileWatchOptions, seen: string) {
    this.options = options
    this.seen = seen
  }

  /** `since`: what {@link signatureOf} returned before the files were read for the first time. */
  static start(options: FileWatchOptions, since: string): FileWatch {
    const watch = new FileWatch(options, since)
    watch.schedule()
    return watch
  }

  close(): void {
    this.closed = true
    this.options.clock.cancel(this.timer)
  }

  private schedule(): void {
    if (this.closed) return
    this.timer = this.options.clock.after(this.options.every() ?? ASLEEP_MS, () => {
      void this.look().then(() => this.schedule())
    })
  }

  private async look(): Promise<void> {
    const { every, onChange, paths } = this.options
    if (every() === undefined) return
    const now = await signatureOf(paths())
    if (now === this.seen) this.resting = undefined
    else if (now !== this.resting) this.resting = now
    else {
      this.seen = now
      this.resting = undefined
      await onChange()
    }
  }
}

/** Differs when a file was written or replaced, or a folder has got or lost a file. Symbolic links are followed. */
export async function signatureOf(paths: readonly string[]): Promise<string> {
  return (await Promise.all(paths.toSorted().map(one))).join('\n')
}

async function one(path: string): Promise<string> {
  try {
    const found = await stat(path, { bigint: true })
    if (found.isDirectory()) return `${path} ${(await readdir(path)).sort().join('/')}`
    return `${path} ${found.dev} ${found.ino} ${found.size} ${found.mtimeNs}`
  } catch (error) {
    return `${path} ${(error as NodeJS.ErrnoException).code}`
  }
}
