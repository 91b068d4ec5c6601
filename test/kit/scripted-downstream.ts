import type { Duplex } from 'node:stream'
import type { Downstream, DownstreamEvents, Gone } from '../../src/core/downstream.ts'
import type { FlatHeaders } from '../../src/lib/headers.ts'
import { PEER } from './exchange.ts'

/** A client that sends and takes what the test says, for engine tests in virtual time. */
export class ScriptedDownstream implements Downstream {
  readonly method: string
  readonly target: string
  readonly host = 'example.com'
  readonly authority = 'example.com'
  readonly headers: FlatHeaders
  readonly protocol = 'HTTP/1.1'
  readonly peer = PEER
  readonly contentLength: number
  readonly upgrade: string | undefined = undefined
  bytesIn = 0
  bytesOut = 0
  gone = false
  /** What was asked of its body, in order. */
  readonly body: ('start' | 'pause' | 'resume' | 'discard')[] = []
  /** What came: `status`, pieces of the body, `end` or `reset`. */
  readonly got: (string | number)[] = []
  answer: FlatHeaders = []
  /** What `write` answers. */
  room = true
  private events: DownstreamEvents | undefined = undefined

  constructor(method = 'GET', target = '/', headers: FlatHeaders = [], contentLength = 0) {
    this.method = method
    this.target = target
    this.headers = headers
    this.contentLength = contentLength
  }

  get status(): number | undefined {
    return this.got.find((piece) => typeof piece === 'number') as number | undefined
  }

  get text(): string {
    return this.got.filter((piece) => typeof piece === 'string' && piece !== 'end' && piece !== 'reset').join('')
  }

  field(name: string): string | undefined {
    const at = this.answer.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === name)
    return at === -1 ? undefined : this.answer[at + 1]
  }

  sends(text: string): void {
    this.bytesIn += text.length
    this.events?.onBody(Buffer.from(text))
  }

  ends(): void {
    this.events?.onBodyEnd([])
  }

  leaves(why: Gone = 'closed'): void {
    if (this.gone) return
    this.gone = true
    this.events?.onGone(why)
  }

  drains(): void {
    this.room = true
    this.events?.onDrain()
  }

  attach(events: DownstreamEvents): void {
    this.events = events
  }

  startBody(): void {
    this.body.push('start')
  }

  pauseBody(): void {
    this.body.push('pause')
  }

  resumeBody(): void {
    this.body.push('resume')
  }

  discardBody(): void {
    this.body.push('discard')
  }

  informational(): void {}

  head(status: number, headers: FlatHeaders): boolean {
    this.got.push(status)
    this.answer = headers
    return true
  }

  write(chunk: Buffer): boolean {
    this.bytesOut += chunk.length
    this.got.push(chunk.toString('latin1'))
    return this.room
  }

  trailers(): void {}

  end(): void {
    if (this.gone) return
    this.got.push('end')
    this.gone = true
    this.events?.onSent()
  }

  reset(): void {
    if (this.gone) return
    this.got.push('reset')
    this.gone = true
    this.events?.onGone('closed')
  }

  closeAfter(): void {}

  tunnel(): Duplex {
    throw new Error('not scripted')
  }
}
