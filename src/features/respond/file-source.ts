import { failure } from '../../core/failures.ts'
import { AT_HAND_BYTES, type Source, type SourceEvents } from '../../core/source.ts'
import { faultRule, type OpenFile } from './disk.ts'

/**
 * A part of an open file, which it owns: one chunk at a time is read, when the one before was taken. What was appended since
 * the file was opened is not a part of it; where the file has become shorter, the source fails.
 */
export class FileSource implements Source {
  readonly length: number
  private readonly file: OpenFile
  private position: number
  private left: number
  private events: SourceEvents | undefined = undefined
  private paused = false
  /** A read is in line or in progress: takes it out of the line. */
  private pending: (() => boolean) | undefined = undefined
  private over = false

  constructor(file: OpenFile, from: number = 0, length: number = file.size) {
    this.file = file
    this.position = from
    this.length = length
    this.left = length
  }

  start(events: SourceEvents): void {
    if (this.over) return
    this.events = events
    if (this.left > 0) this.next()
    else this.end()
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
    this.next()
  }

  cancel(): void {
    if (this.over) return
    this.over = true
    // A read in progress closes the file when it is done.
    if (this.pending === undefined || this.pending()) this.file.close()
  }

  private next(): void {
    if (this.over || this.paused || this.pending !== undefined || this.events === undefined) return
    this.pending = this.file.read(this.position, Math.min(AT_HAND_BYTES, this.left), (error, chunk) => {
      this.pending = undefined
      this.onRead(error, chunk)
    })
  }

  private onRead(error: Error | null, chunk: Buffer): void {
    if (this.over) {
      this.file.close()
      return
    }
    if (error !== null || chunk.length === 0) {
      this.over = true
      this.file.close()
      const rule = error === null ? 'file: became shorter' : faultRule(error)
      this.events?.fail({ ...failure('internal', 'body', 'sluice'), rule })
      return
    }
    this.position += chunk.length
    this.left -= chunk.length
    // Before the client takes the rest, however slow it is.
    if (this.left === 0) this.file.close()
    this.events?.data(chunk)
    if (this.over) return
    if (this.left === 0) this.end()
    else this.next()
  }

  private end(): void {
    this.over = true
    this.file.close()
    this.events?.end()
  }
}
