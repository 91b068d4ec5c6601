import { isUnavailable, type Unavailable } from '../../core/link.ts'
import { isWithin } from '../../lib/folders.ts'

/** Files of which it is kept where they lie. */
const MOST_KNOWN = 10_000
/**
 * Opened files that wait for the control plane; further ones are refused. It is half of those that a worker may have open:
 * the others are for files of which it is known. The link lets as many questions wait.
 */
const MOST_WAITING = 256

/** Answers with the path of a descriptor, as {@link PathOf}. */
export const PATH_OF = 'pathOf'

/** Where an open file is now, links resolved; undefined: this system does not tell. Never rejects, and has a deadline. */
export type PathOf = (fd: number) => Promise<string | undefined | Unavailable>

/** `untold`: the control plane did not answer. */
export type FilePlace = 'within' | 'elsewhere' | 'untold'

/** What `fstat` tells a file by, as it is now. */
interface FileMark {
  readonly dev: bigint
  readonly ino: bigint
  readonly ctimeNs: bigint
}

/** Where the files lie that a worker has opened: a folder on the way may have become a link after it was looked at. */
export class Places {
  private readonly pathOf: PathOf
  /** Files that lay in the folder that was asked for, as they were then: asking costs more than opening. Oldest first. */
  private readonly known = new Set<string>()
  private readonly asked = new Map<string, Promise<FilePlace>>()
  private waiting = 0

  constructor(pathOf: PathOf) {
    this.pathOf = pathOf
  }

  /** Whether a folder has an open file in it. The file must stay open until this is told. `base`: without links. */
  async of(fd: number, { ctimeNs, dev, ino }: FileMark, base: string): Promise<FilePlace> {
    // What is moved has another time of change.
    const key = `${dev}:${ino}:${ctimeNs}:${base}`
    if (this.known.has(key)) return 'within'
    if (this.waiting >= MOST_WAITING) return 'untold'
    let asked = this.asked.get(key)
    if (asked === undefined) {
      asked = this.ask(fd, key, base)
      this.asked.set(key, asked)
    }
    this.waiting++
    const place = await asked
    this.waiting--
    return place
  }

  private async ask(fd: number, key: string, base: string): Promise<FilePlace> {
    const path = await this.pathOf(fd)
    this.asked.delete(key)
    if (isUnavailable(path)) return 'untold'
    if (path !== undefined && !isWithin(path, base)) return 'elsewhere'
    if (this.known.size >= MOST_KNOWN) this.forgetOldest()
    this.known.add(key)
    return 'within'
  }

  private forgetOldest(): void {
    const [oldest] = this.known
    if (oldest !== undefined) this.known.delete(oldest)
  }
}
