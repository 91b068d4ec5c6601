import type { ListenerConfig } from '../../../core/config.ts'
import type { Failure } from '../../../core/failures.ts'
import { UNKNOWN_METHOD } from '../common/methods.ts'
import { breach, fieldsTooLarge, type Rule, SLOW_HEAD, targetTooLong } from '../common/rules.ts'

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

/** By the code of llhttp. */
const RULE_OF: ReadonlyMap<string, Rule> = new Map([
  [CUT_SHORT, 'cut_short'],
  ['HPE_INVALID_URL', 'target'],
  ['HPE_INVALID_VERSION', 'version'],
  ['HPE_INVALID_CONSTANT', 'request_line'],
  ['HPE_PAUSED_H2_UPGRADE', 'version'],
  ['HPE_INVALID_HEADER_TOKEN', 'field'],
  ['HPE_UNEXPECTED_SPACE', 'field'],
  ['HPE_CR_EXPECTED', 'line_end'],
  ['HPE_LF_EXPECTED', 'line_end'],
  ['HPE_STRICT', 'line_end'],
  ['HPE_INVALID_CONTENT_LENGTH', 'content_length'],
  ['HPE_UNEXPECTED_CONTENT_LENGTH', 'content_length'],
  ['HPE_INVALID_TRANSFER_ENCODING', 'transfer_encoding'],
  ['HPE_INVALID_CHUNK_SIZE', 'chunk_size'],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 'chunk_extensions'],
  ['HPE_CLOSED_CONNECTION', 'after_close'],
])

/** The failure that a parser's error stands for; undefined: the connection itself broke, no client is left to answer. */
export function malformedFailure(error: ParserError, limits: ListenerConfig['limits']): Failure | undefined {
  const { code = '' } = error
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return SLOW_HEAD
  if (code === 'HPE_HEADER_OVERFLOW') return overflow(error, limits)
  if (code === 'HPE_INVALID_METHOD') return UNKNOWN_METHOD
  if (!code.startsWith('HPE_')) return undefined
  const { reason } = error
  if (reason === undefined) return breach(RULE_OF.get(code) ?? 'syntax', 'bad_request')
  const rule = reason.includes('chunk extension') ? 'chunk_extensions' : (RULE_OF.get(code) ?? 'syntax')
  return breach(rule, 'bad_request', `${reason}.`)
}

/**
 * Node's own bound is the sum of target and fields, so that the guard, which distinguishes them, sees all but the largest
 * heads. Of those, a packet without a line end before the break is taken for a target that does not end.
 */
function overflow(error: ParserError, limits: ListenerConfig['limits']): Failure {
  const seen = error.rawPacket?.subarray(0, error.bytesParsed ?? error.rawPacket.length)
  if (seen !== undefined && startsRequest(seen) && !seen.includes(10)) return targetTooLong(limits.targetBytes)
  return fieldsTooLarge(limits.headerBytes, [])
}

/** A method in capitals and a space. */
function startsRequest(packet: Buffer): boolean {
  let i = 0
  while (i < packet.length && i < 16 && (packet[i] as number) >= 65 && (packet[i] as number) <= 90) i++
  return i > 0 && packet[i] === 32
}
