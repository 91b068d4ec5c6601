import type { Outcome } from '../accept/peek.ts'
import type { ConnectionHost } from '../common/host.ts'
import { breach } from '../common/rules.ts'
import { RefusedSocket } from './refused-socket.ts'

const HTTP2 = breach('http2', 'bad_request', 'HTTP/2 was sent to a listener that speaks HTTP/1.1 only.')

/** RFC 9113, section 3.4. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

/**
 * What clients of HTTP/2 understand: an empty SETTINGS frame, which must come first, and GOAWAY with HTTP_1_1_REQUIRED:
 * nothing was processed, and the same may be sent again over HTTP/1.1 (RFC 9113, sections 4.1, 6.5, 6.8 and 7).
 */
const REFUSAL = Buffer.from(`000000 04 00 00000000 000008 07 00 00000000 00000000 0000000d`.replaceAll(' ', ''), 'hex')

/** A client that knows, without having asked, that HTTP/2 is spoken here; it is not. */
export function http2Preface(host: ConnectionHost): Outcome {
  return {
    matches: (first) => {
      const length = Math.min(first.length, PREFACE.length)
      if (PREFACE.compare(first, 0, length, 0, length) !== 0) return false
      return length === PREFACE.length || undefined
    },
    accept: (socket, arrival) => new RefusedSocket(host, socket, arrival, HTTP2, () => REFUSAL),
  }
}
