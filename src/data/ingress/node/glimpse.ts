import type { Glimpse } from '../../../core/downstream.ts'
import { NOTHING_SEEN } from '../common/host.ts'
import type { ParserError } from './malformed.ts'
import type { Incoming } from './messages.ts'

/** How much before and behind the error is looked at, and how much is reported. */
const MAX_BEFORE = 65_536
const MAX_BEHIND = 1_024
const MAX_METHOD = 32
const MAX_TARGET = 1_024
const MAX_HOST = 255

const CR = 13
const LF = 10
const SPACE = 32
const COLON = 58
const NINE = 57
const ZERO = 48

/**
 * Method, target and host of a head that could not be parsed, for the log: from the bytes that arrived together with the
 * error, since the parser forgets earlier ones. They are never acted upon.
 */
export function glimpseOf({ bytesParsed = 0, rawPacket }: ParserError): Glimpse {
  if (rawPacket === undefined) return NOTHING_SEEN
  const at = Math.min(Math.max(bytesParsed, 0), rawPacket.length)
  const lines = rawPacket
    .subarray(Math.max(0, at - MAX_BEFORE), lineEnd(rawPacket, at))
    .toString('latin1')
    .split('\n')
  let last = lines.length - 1
  while (last > 0 && isBlank(lines[last] as string)) last--
  let first = last
  while (first > 0 && !isBlank(lines[first - 1] as string)) first--
  let host = ''
  for (let i = first; i <= last && host === ''; i++) host = hostIn(lines[i] as string)
  return requestIn(lines[first] as string, host)
}

/** Of a CONNECT, which node parses but reports separately from requests. */
export function glimpseOfConnect({ headers: { host = '' }, url = '' }: Incoming): Glimpse {
  return { method: 'CONNECT', target: url.slice(0, MAX_TARGET), host: host.slice(0, MAX_HOST) }
}

/** Of the line that contains the error. */
function lineEnd(bytes: Buffer, at: number): number {
  const end = bytes.indexOf(LF, at)
  return Math.min(end === -1 ? bytes.length : end, at + MAX_BEHIND)
}

/** A blank line ends the previous head. */
function isBlank(line: string): boolean {
  return line === '' || line === '\r'
}

/** Empty if the line does not begin as requests do: with a method, a space, and no colon. */
function requestIn(line: string, host: string): Glimpse {
  let end = 0
  while (end < line.length && end <= MAX_METHOD && isLetter(line.charCodeAt(end))) end++
  if (end === 0 || end > MAX_METHOD || line.charCodeAt(end) !== SPACE || line.charCodeAt(end + 1) === COLON)
    return { ...NOTHING_SEEN, host }
  const behind = line.indexOf(' ', end + 1)
  const target = line.slice(end + 1, behind === -1 ? line.length : behind).trimEnd()
  return { method: line.slice(0, end), target: target.slice(0, MAX_TARGET), host }
}

/** Letters, digits, `-` and `_`: known methods have no others. */
function isLetter(code: number): boolean {
  const lower = code | 32
  return (lower >= 97 && lower <= 122) || (code >= ZERO && code <= NINE) || code === 45 || code === 95
}

function hostIn(line: string): string {
  if (line.charCodeAt(4) !== COLON || line.slice(0, 4).toLowerCase() !== 'host') return ''
  const end = line.charCodeAt(line.length - 1) === CR ? line.length - 1 : line.length
  return line.slice(5, end).trim().slice(0, MAX_HOST)
}
