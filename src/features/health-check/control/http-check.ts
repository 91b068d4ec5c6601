import type { LinkOwner, Transport, TransportEvents, TransportFailure } from '../../../core/transport.ts'
import { type Check, type CheckDone, type CheckRequest, MAX_BODY_BYTES } from './check.ts'
import { causeText, resultOf } from './tcp-check.ts'

const ANYTHING: readonly string[] = ['user-agent', 'sluice-health-check', 'accept', '*/*']

/** Good: a request on a connection of its own is answered with an expected status, and body where one is expected. */
export function httpCheck(transport: Transport): Check {
  return (request, done) => {
    const { authority, config, target } = request
    const link = transport.open(target, { connectTimeoutMs: config.timeout, keepAliveMs: 1000 }, NO_OWNER)
    const answer = new HttpAnswer(request, (result, detail) => {
      stream.abort()
      done(result, detail)
    })
    const stream = link.start(
      { method: config.method, target: config.path, authority, headers: ANYTHING, contentLength: 0 },
      answer,
      { onReleased: () => link.close(), onReturned: () => {} },
    )
    return () => stream.abort()
  }
}

const NO_OWNER: LinkOwner = { onCapacity() {}, onGoAway() {}, onClosed() {} }

/** Judges an answer as it comes in. */
class HttpAnswer implements TransportEvents {
  private readonly request: CheckRequest
  private readonly done: CheckDone
  private readonly chunks: Buffer[] = []
  private room = MAX_BODY_BYTES
  private over = false

  constructor(request: CheckRequest, done: CheckDone) {
    this.request = request
    this.done = done
  }

  onConnected(): void {}
  onWantBody(): void {}
  onDrain(): void {}
  onInformational(): void {}
  onTrailers(): void {}

  onHead(status: number): void {
    if (!this.request.config.status.some(({ from, to }) => status >= from && status <= to)) {
      this.finish('status', String(status))
    }
  }

  onData(chunk: Buffer): void {
    if (this.over) return
    // The transport reads into the same memory again.
    this.chunks.push(Buffer.from(chunk.subarray(0, this.room)))
    this.room -= chunk.length
    if (this.room <= 0) this.judgeBody()
  }

  onEnd(): void {
    this.judgeBody()
  }

  onUpgraded(): void {
    this.finish('status', '101')
  }

  onFailure({ reason, cause }: TransportFailure): void {
    this.finish(resultOf(reason), causeText(cause))
  }

  private judgeBody(): void {
    const { body } = this.request.config
    const found = body === undefined || Buffer.concat(this.chunks).includes(body)
    this.finish(found ? 'ok' : 'body', '')
  }

  private finish(...result: Parameters<CheckDone>): void {
    if (this.over) return
    this.over = true
    this.done(...result)
  }
}
