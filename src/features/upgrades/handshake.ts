import type { Exchange } from '../../core/exchange.ts'
import type { Refusal } from '../../core/verdict.ts'
import { isNamed } from '../../lib/headers.ts'

const VERSION = 'sec-websocket-version'
const KEY = 'sec-websocket-key'
const SPOKEN = ['sec-websocket-version', '13']
/** 16 octets in base64. */
const KEY_FORM = /^[+/0-9A-Za-z]{21}[AQgw]==$/

const bad = (rule: string, detail: string): Refusal => ({
  reason: 'bad_request',
  phase: 'request',
  origin: 'client',
  rule: `websocket_${rule}`,
  detail,
})

const METHOD = bad('method', 'A handshake of WebSocket is a GET.')
const BODY = bad('body', 'A handshake of WebSocket has no body.')
const NO_VERSION: Refusal = {
  ...bad('version', 'Sec-WebSocket-Version is missing, or there twice.'),
  headers: SPOKEN,
}
const NO_KEY = bad('key', 'Sec-WebSocket-Key is missing, there twice, or not 16 octets in base64.')
/** RFC 6455, section 4.4. */
const OTHER_VERSION: Refusal = {
  reason: 'upgrade_required',
  phase: 'request',
  origin: 'client',
  detail: 'Of WebSocket, version 13 is spoken here.',
  headers: ['upgrade', 'websocket', ...SPOKEN],
}

/** What is wrong with a handshake of WebSocket (RFC 6455, section 4.2.1); undefined: nothing. */
export function handshakeProblem({ downstream, headers, method }: Exchange): Refusal | undefined {
  if (method !== 'GET') return METHOD
  if (downstream.contentLength !== 0) return BODY
  let version: string | undefined
  let key: string | undefined
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    if (isNamed(name, VERSION)) {
      if (version !== undefined) return NO_VERSION
      version = (headers[i + 1] as string).trim()
    } else if (isNamed(name, KEY)) {
      if (key !== undefined) return NO_KEY
      key = (headers[i + 1] as string).trim()
    }
  }
  if (version === undefined) return NO_VERSION
  if (version !== '13') return OTHER_VERSION
  return key !== undefined && KEY_FORM.test(key) ? undefined : NO_KEY
}
