import { ERRORS, type ErrorCode, PROBLEM_JSON, problemType } from './contract.ts'
import type { GuardRefusal } from './guard.ts'
import type { AdminAnswer } from './pages.ts'

/** The problem document (RFC 9457) of an error; `detail` and `more` are shown. */
export function problem(code: ErrorCode, status: number, detail: string, more: object = {}): Buffer {
  return Buffer.from(JSON.stringify({ type: problemType(code), title: ERRORS[code], status, detail, ...more }))
}

/** The same as an answer. */
export function problemAnswer(code: ErrorCode, status: number, detail: string, more?: object): AdminAnswer {
  return { status, headers: { 'content-type': PROBLEM_JSON }, body: problem(code, status, detail, more) }
}

export function noSuchPath(): AdminAnswer {
  return problemAnswer('not_found', 404, 'there is no such path')
}

/** `allow`: the methods of the path (RFC 9110, section 15.5.6). */
export function notAllowed(method: string | undefined, allow: string): AdminAnswer {
  const { body, headers, status } = problemAnswer('method_not_allowed', 405, `${method} is not allowed for this path`)
  return { status, headers: { ...headers, allow }, body }
}

export function internalError(): AdminAnswer {
  return problemAnswer('internal', 500, 'an error inside the gateway')
}

export function refusalAnswer({ status, error, message }: GuardRefusal): AdminAnswer {
  const { body, headers } = problemAnswer(error, status, message)
  return { status, headers: status === 401 ? { ...headers, 'www-authenticate': 'Bearer' } : headers, body }
}

/** The whole answer to input that was not a request, by the code with which node:http gave up on it. */
export function unreadAnswer(code: string, headers: Readonly<Record<string, string>>): string {
  const { status, phrase, detail } = UNREAD[code] ?? MALFORMED
  const body = problem('bad_request', status, detail)
  const fields = { ...headers, 'content-type': PROBLEM_JSON, 'content-length': body.length, connection: 'close' }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${phrase}\r\n${lines.join('')}\r\n${body}`
}

interface Unread {
  readonly status: number
  readonly phrase: string
  readonly detail: string
}

const MALFORMED: Unread = { status: 400, phrase: 'Bad Request', detail: 'the request is malformed' }

const UNREAD: Readonly<Record<string, Unread>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, phrase: 'Request Timeout', detail: 'the request arrived too slowly' },
  HPE_HEADER_OVERFLOW: {
    status: 431,
    phrase: 'Request Header Fields Too Large',
    detail: 'the header fields are too large',
  },
}
