import type { ListenerConfig } from '../../core/config.ts'
import { type Failure, failure } from '../../core/failures.ts'
import { UNKNOWN_METHOD } from './methods.ts'

/** What node:http reports through `clientError`. */
export interface ParserError extends Error {
  readonly code?: string | undefined
  /** llhttp's words: constants, never bytes of the request. */
  readonly reason?: string | undefined
  readonly rawPacket?: Buffer | undefined
  readonly bytesParsed?: number | undefined
}

/** The client closed its side in the middle of a message. */
export const CUT_SHORT = 'HPE_INVALID_EOF_STATE'

/** The failure that a parser's error stands for; undefined: the connection itself broke, nobody is there to answer. */
export function malformedFailure(error: ParserError, limits: ListenerConfig['limits']): Failure | undefined {
  const { code = '' } = error
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return failure('request_timeout', 'request', 'client', 'The head was not complete within timeouts.headers.')
  if (code === 'HPE_HEADER_OVERFLOW') return overflow(error, limits)
  if (code === 'HPE_INVALID_METHOD') return UNKNOWN_METHOD
  if (!code.startsWith('HPE_')) return undefined
  return failure('bad_request', 'request', 'client', error.reason === undefined ? undefined : `${error.reason}.`)
}

/**
 * Node's own bound is the sum of target and fields, so that the guard, which can tell them apart, sees all but the largest
 * heads. Of those, a packet without a line end before the break is taken for a target that does not end.
 */
function overflow(error: ParserError, limits: ListenerConfig['limits']): Failure {
  const seen = error.rawPacket?.subarray(0, error.bytesParsed ?? error.rawPacket.length)
  if (seen !== undefined && startsRequest(seen) && !seen.includes(10))
    return failure(
      'uri_too_long',
      'request',
      'client',
      `The target is longer than limits.targetBytes (${limits.targetBytes}).`,
    )
  const detail = `The fields take more than limits.headerBytes (${limits.headerBytes}).`
  return failure('headers_too_large', 'request', 'client', detail)
}

/** A method in capitals and a space. */
function startsRequest(packet: Buffer): boolean {
  let i = 0
  while (i < packet.length && i < 16 && (packet[i] as number) >= 65 && (packet[i] as number) <= 90) i++
  return i > 0 && packet[i] === 32
}
