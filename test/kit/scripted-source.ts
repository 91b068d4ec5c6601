import type { Failure } from '../../src/core/failures.ts'
import type { Source, SourceEvents } from '../../src/core/source.ts'

/** A source that gives what a test tells it to, and remembers what it was told. */
export class ScriptedSource implements Source {
  readonly length: number | undefined
  readonly calls: ('start' | 'pause' | 'resume' | 'cancel')[] = []
  private events: SourceEvents | undefined = undefined

  constructor(length?: number) {
    this.length = length
  }

  get started(): boolean {
    return this.calls.includes('start')
  }

  get paused(): boolean {
    return this.calls.at(-1) === 'pause'
  }

  /** How often. */
  get cancelled(): number {
    return this.calls.filter((call) => call === 'cancel').length
  }

  start(events: SourceEvents): void {
    this.calls.push('start')
    this.events = events
  }

  pause(): void {
    this.calls.push('pause')
  }

  resume(): void {
    this.calls.push('resume')
  }

  cancel(): void {
    this.calls.push('cancel')
  }

  data(text: string): void {
    this.give(Buffer.from(text))
  }

  give(chunk: Buffer): void {
    this.events?.data(chunk)
  }

  end(): void {
    this.events?.end()
  }

  fail(why: Failure | Error): void {
    this.events?.fail(why)
  }
}
