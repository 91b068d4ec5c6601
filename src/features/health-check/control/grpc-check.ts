import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2'
import { type SecureContexts, socketTo, tlsOptions } from '../../../data/upstreams/transports/dial.ts'
import { addressText } from '../../../lib/address.ts'
import { type Check, type CheckDone, type CheckRequest, type CheckResult, MAX_BODY_BYTES } from './check.ts'
import { healthRequest, servingStatus } from './grpc-message.ts'

/** Good: grpc.health.v1.Health/Check answers SERVING. h2c to http endpoints, HTTP/2 over TLS to https ones. */
export function grpcCheck(contexts: SecureContexts): Check {
  return (request, done) => {
    const call = new Call(contexts, request, done)
    return () => call.cancel()
  }
}

/** One call on a connection of its own. */
class Call {
  private readonly request: CheckRequest
  private readonly done: CheckDone
  private readonly chunks: Buffer[] = []
  private session: ClientHttp2Session | undefined = undefined
  private bytes = 0
  private status: number | undefined = undefined
  private grpcStatus: string | undefined = undefined
  private over = false

  constructor(contexts: SecureContexts, request: CheckRequest, done: CheckDone) {
    this.request = request
    this.done = done
    try {
      this.open(contexts)
    } catch (cause) {
      queueMicrotask(() => this.finish('tls', message(cause)))
    }
  }

  cancel(): void {
    this.over = true
    this.session?.destroy()
  }

  private open(contexts: SecureContexts): void {
    const { authority, config, target } = this.request
    const { address, port, tls } = target
    // Loaded with the first such check: no gateway without one needs it.
    const { connect } = process.getBuiltinModule('node:http2')
    this.session =
      tls === undefined
        ? connect('http://localhost', { createConnection: () => socketTo(target) })
        : connect(`https://${addressText(address, port)}`, tlsOptions(tls, contexts))
    this.session.on('error', (error: Error) => this.fail(error))
    this.session.on('close', () => this.finish('reset', ''))
    const stream = this.session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      ':authority': authority,
      'content-type': 'application/grpc',
      'user-agent': 'sluice-health-check',
      te: 'trailers',
    })
    this.listen(stream)
    stream.end(healthRequest(config.service))
  }

  private listen(stream: ClientHttp2Stream): void {
    stream.on('response', (headers) => {
      this.status = headers[':status']
      this.takeStatus(headers)
    })
    stream.on('trailers', (headers: IncomingHttpHeaders) => this.takeStatus(headers))
    stream.on('data', (chunk: Buffer) => {
      this.bytes += chunk.length
      if (this.bytes > MAX_BODY_BYTES) this.finish('bad_response', 'too long')
      else this.chunks.push(chunk)
    })
    stream.on('error', (error: Error) => this.fail(error))
    stream.on('close', () => this.judge(stream.rstCode))
  }

  private takeStatus(headers: IncomingHttpHeaders): void {
    const status = headers['grpc-status']
    if (typeof status === 'string') this.grpcStatus = status
  }

  private judge(rstCode: number): void {
    if (this.status === undefined) this.finish('reset', `RST_STREAM ${rstCode}`)
    else if (this.status !== 200) this.finish('status', String(this.status))
    else if (this.grpcStatus === undefined) this.finish('bad_response', 'no grpc-status')
    else if (this.grpcStatus !== '0') this.finish('status', `grpc-status ${this.grpcStatus}`)
    else {
      const serving = servingStatus(Buffer.concat(this.chunks))
      if (serving === undefined) this.finish('bad_response', 'no HealthCheckResponse')
      else this.finish(serving === 'SERVING' ? 'ok' : 'not_serving', serving)
    }
  }

  /** A stream that could not begin names the session's error as its cause. */
  private fail(error: Error): void {
    const cause: NodeJS.ErrnoException = error.cause instanceof Error ? error.cause : error
    this.finish(failure(cause), message(cause))
  }

  private finish(...result: Parameters<CheckDone>): void {
    if (this.over) return
    this.cancel()
    this.done(...result)
  }
}

const RESULTS: Readonly<Record<string, CheckResult>> = {
  ECONNREFUSED: 'refused',
  ENOENT: 'refused',
  EACCES: 'unreachable',
  ETIMEDOUT: 'timeout',
  ENETUNREACH: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  EMFILE: 'unreachable',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ERR_HTTP2_STREAM_CANCEL: 'reset',
  ERR_HTTP2_ERROR: 'bad_response',
  ERR_HTTP2_SESSION_ERROR: 'bad_response',
  ERR_HTTP2_STREAM_ERROR: 'reset',
}

/** Errors that are neither of the network nor of HTTP/2 come from TLS, which has many codes. */
function failure({ code = '' }: NodeJS.ErrnoException): CheckResult {
  return RESULTS[code] ?? (code.startsWith('ERR_HTTP2') ? 'bad_response' : 'tls')
}

function message(cause: unknown): string {
  return cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : String(cause)
}
