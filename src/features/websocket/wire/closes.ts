/** Codes of a Close, RFC 6455, section 7.4, and the registry of IANA. */
export const GOING_AWAY = 1001
export const PROTOCOL_ERROR = 1002
/** Only told, never sent: a Close without a code, and an end without a Close. */
export const NO_CODE = 1005
export const ABNORMAL = 1006
export const INVALID_TEXT = 1007
export const POLICY = 1008
export const TOO_BIG = 1009
export const SERVICE_RESTART = 1012

/** A Close may have this code; any other one only stands for it where it is told (RFC 6455, section 7.4). */
export function isSent(code: number): boolean {
  if (code >= 3000) return code < 5000
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== NO_CODE && code !== ABNORMAL
}

/** Bytes of text in a Close, RFC 6455, section 5.5. */
export const LONGEST_REASON = 123

/**
 * An upstream that closes with one of these says that it could not go on, not that the conversation is over: it goes away, had an
 * internal error, restarts, is overloaded, or is a gateway whose own upstream failed. 1006: it ended without a Close.
 */
const REPLACED: ReadonlySet<number> = new Set([GOING_AWAY, ABNORMAL, 1011, SERVICE_RESTART, 1013, 1014])

/** Whether an upstream that closed with this code is replaced; with any other, the client gets the code. */
export function isReplaced(code: number): boolean {
  return REPLACED.has(code)
}

/** What `ws` calls a fault of a peer, and the code that tells the peer. */
const FAULTS: Readonly<Record<string, number>> = {
  WS_ERR_INVALID_UTF8: INVALID_TEXT,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: POLICY,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: TOO_BIG,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: TOO_BIG,
}

/** The code for what a peer did wrong, by the error of `ws`. */
export function faultCode(error: Error): number {
  return FAULTS[(error as { readonly code?: string }).code ?? ''] ?? PROTOCOL_ERROR
}
