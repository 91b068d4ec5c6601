import type { Phase, Reason } from '../../../core/failures.ts'
import type { TransportEvents, TransportFailure, TransportRequest } from '../../../core/transport.ts'
import type { FlatHeaders } from '../../../lib/headers.ts'
import { MAX_EARLY_BYTES } from './early-bytes.ts'
import { Upload, type UploadOwner } from './undici-upload.ts'

const SPACE = 0x20
const TAB = 0x09

/** undici's handle on a request that has begun; `raw*` are flat lists of bytes. */
interface Controller {
  readonly rawHeaders?: unknown
  readonly rawTrailers?: unknown
  pause(): void
  resume(): void
  abort(reason: Error): void
}

/** The connection that a try runs on. */
export interface TryHost {
  /** The socket reported an error; its end follows. */
  readonly broken: boolean
  /** Calls out to `events`; what they throw must not end in undici. */
  guard(fn: () => void): void
  /** The try failed: the connection is lost. */
  onLost(): void
  /** The answer is whole. */
  onComplete(): void
}

/** undici's handler of one request: turns its calls into transport events and sees that exactly one of them is final. */
export class UndiciTry implements UploadOwner {
  readonly request: TransportRequest
  readonly upload: Upload | undefined
  readonly reused: boolean
  /** Its last event was given, or it was aborted. */
  done = false
  private readonly host: TryHost
  private readonly events: TransportEvents
  private controller: Controller | undefined = undefined
  private bytesSent = false
  private requestDone = false
  private responseStarted = false
  private headSeen = false
  private earlyBytes = 0

  constructor(host: TryHost, request: TransportRequest, events: TransportEvents, reused: boolean) {
    this.host = host
    this.request = request
    this.events = events
    this.reused = reused
    this.upload = request.contentLength === 0 ? undefined : new Upload(this)
  }

  /** undici has begun to send it. */
  get begun(): boolean {
    return this.controller !== undefined
  }

  /** The same request, to be sent over another socket. */
  again(): UndiciTry {
    this.done = true
    return new UndiciTry(this.host, this.request, this.events, false)
  }

  write(chunk: Buffer): boolean {
    if (this.done || this.upload === undefined) return true
    if (chunk.length > 0) this.bytesSent = true
    return this.upload.write(chunk)
  }

  end(): void {
    if (this.done || this.upload === undefined) return
    this.bytesSent = true
    this.upload.end()
  }

  pause(): void {
    this.controller?.pause()
  }

  resume(): void {
    if (!this.done) this.controller?.resume()
  }

  /** No event follows. */
  abort(reason: Error): void {
    this.done = true
    this.controller?.abort(reason)
  }

  fail(reason: Reason, phase: Phase, cause?: unknown, proxyStatus?: string, rule?: string): void {
    if (this.done) return
    this.done = true
    const failure: TransportFailure = {
      reason,
      phase,
      ...(proxyStatus !== undefined && { proxyStatus }),
      ...(rule !== undefined && { rule }),
      connected: this.begun,
      reused: this.reused,
      bytesSent: this.bytesSent,
      requestDone: this.requestDone,
      responseStarted: this.responseStarted,
      cause,
    }
    this.host.guard(() => this.events.onFailure(failure))
    this.host.onLost()
  }

  onUploadWanted(): void {
    if (!this.done) this.host.guard(() => this.events.onWantBody())
  }

  onUploadRoom(): void {
    if (!this.done) this.host.guard(() => this.events.onDrain())
  }

  onRequestStart(controller: Controller): void {
    this.controller = controller
    if (this.done) return
    // With a body, undici writes the head together with the first chunk.
    this.bytesSent = this.upload === undefined
    this.host.guard(() => this.events.onConnected(this.reused))
  }

  onRequestSent(): void {
    this.requestDone = true
  }

  onResponseStarted(): void {
    this.responseStarted = true
  }

  onResponseStart(controller: Controller, status: number): void {
    if (this.done) return
    const headers = latin1(controller.rawHeaders)
    if (status < 100 || !plainFraming(headers)) {
      this.reject(
        controller,
        status < 100 ? 'status line: the code is no number from 100 on' : 'Transfer-Encoding: not chunked alone',
      )
    } else if (status < 200) {
      this.earlyBytes += fieldBytes(headers)
      if (this.earlyBytes > MAX_EARLY_BYTES)
        this.reject(controller, `more than ${MAX_EARLY_BYTES} bytes of 1xx answers`)
      else this.host.guard(() => this.events.onInformational(status, headers))
    } else {
      this.headSeen = true
      this.host.guard(() => this.events.onHead(status, headers))
    }
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    if (!this.done) this.host.guard(() => this.events.onData(chunk))
  }

  onResponseEnd(controller: Controller): void {
    if (this.done) return
    // undici takes a reset for the end of an answer without length.
    if (this.host.broken) {
      this.fail('response_incomplete', 'body')
      return
    }
    const trailers = latin1(controller.rawTrailers)
    if (trailers.length > 0) this.host.guard(() => this.events.onTrailers(trailers))
    if (this.done) return
    this.done = true
    this.host.guard(() => this.events.onEnd())
    this.host.onComplete()
  }

  /** A socket that broke before the request began is the host's to replace: nothing was sent. */
  onResponseError(_controller: Controller | null, error: Error & { code?: string }): void {
    if (this.done) return
    const code = error.code ?? ''
    if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED') this.fail('bad_request', 'send', error)
    else if (!this.begun && this.host.broken) return
    else if (!this.begun || code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH') this.fail('internal', 'send', error)
    else if (this.headSeen) this.fail('response_incomplete', 'body', error)
    else if (malformed(error)) this.fail('bad_response', 'headers', error, undefined, ruleOf(error))
    else if (code.startsWith('ERR_SSL_')) this.fail('tls_error', 'tls', error, 'tls_protocol_error')
    else this.fail('upstream_reset', this.requestDone ? 'headers' : 'send', error)
  }

  private reject(controller: Controller, rule: string): void {
    const cause = new Error(rule)
    this.fail('bad_response', 'headers', cause, undefined, rule)
    controller.abort(cause)
  }
}

function latin1(raw: unknown): FlatHeaders {
  return Array.isArray(raw) ? raw.map(text) : []
}

/** As on the wire, with the shortest status line. */
function fieldBytes(headers: FlatHeaders): number {
  let bytes = 16
  for (const text of headers) bytes += text.length + 2
  return bytes
}

/** Without the optional white space behind a value, which undici leaves there. */
function text(bytes: Buffer): string {
  let end = bytes.length
  while (end > 0 && (bytes[end - 1] === SPACE || bytes[end - 1] === TAB)) end--
  return bytes.toString('latin1', 0, end)
}

/** undici lets `Transfer-Encoding: gzip, chunked` pass, with the body still compressed: only `chunked` alone is whole. */
function plainFraming(headers: FlatHeaders): boolean {
  let codings = 0
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    if (name.length !== 17 || name.toLowerCase() !== 'transfer-encoding') continue
    if (++codings > 1 || (headers[i + 1] as string).toLowerCase() !== 'chunked') return false
  }
  return true
}

/** undici's words for what its parser found, or the name of a limit: constants. */
function ruleOf(error: Error & { code?: string }): string {
  return error.name === 'HTTPParserError' ? error.message : (error.code ?? error.message)
}

/** What undici calls an answer that can't be parsed; two of its socket errors are of this kind. */
function malformed(error: Error & { code?: string }): boolean {
  if (error.name === 'HTTPParserError') return true
  if (error.code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' || error.code === 'UND_ERR_HEADERS_OVERFLOW') return true
  return error.code === 'UND_ERR_SOCKET' && (error.message === 'bad response' || error.message === 'bad upgrade')
}
