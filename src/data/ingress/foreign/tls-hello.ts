import type { Outcome } from '../accept/peek.ts'
import type { ConnectionHost } from '../common/host.ts'
import { rawAnswer } from '../common/raw-answer.ts'
import { breach } from '../common/rules.ts'
import { RefusedSocket } from './refused-socket.ts'

const TLS = breach('tls', 'bad_request', 'A TLS handshake was sent to a listener without TLS: use http:// here.')

/** A record of a handshake, of any version (RFC 8446, section 5.1). */
const HANDSHAKE = 22
const MAJOR = 3

/**
 * A ClientHello where TLS is not spoken. The answer is HTTP in plain text, not an alert: clients tell from it that the other
 * side speaks HTTP ("wrong version number", "server gave HTTP response to HTTPS client"), where an alert looks like a bad
 * certificate.
 */
export function tlsHello(host: ConnectionHost): Outcome {
  return {
    matches: (first) => first[0] === HANDSHAKE && (first.length === 1 ? undefined : first[1] === MAJOR),
    accept: (socket, arrival) =>
      new RefusedSocket(host, socket, arrival, TLS, (answer) => rawAnswer(answer, host.clock.wall())),
  }
}
