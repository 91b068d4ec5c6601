import { beginsWith, type FlatHeaders, isNamed } from '../../lib/headers.ts'

const NOT_A_NAME = /^$|[^!#$%&'*+\-.^_`|~0-9A-Za-z]/
const NOT_A_VALUE = /[^\t\x20-\x7e\x80-\xff]/

/** Whether this is a Content-Length that can be counted to. */
export function isLength(text: string): boolean {
  if (text.length === 0 || text.length > 15) return false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 48 || code > 57) return false
  }
  return true
}

/** Whether all of these fields can be written: names are tokens, values latin1 without control characters except tab. */
export function isSendable(headers: FlatHeaders): boolean {
  for (let i = 0; i < headers.length; i += 2) if (!isField(headers[i] as string, headers[i + 1] as string)) return false
  return true
}

export function isField(name: string, value: string): boolean {
  return !NOT_A_NAME.test(name) && isValue(value)
}

/** Latin1 without control characters except tab. Compiled, the expression is faster than a loop over `charCodeAt`. */
export function isValue(text: string): boolean {
  return !NOT_A_VALUE.test(text)
}

/** Trailers as node:http takes them, without those that must not be there or cannot be written: it would throw for each. */
export function trailerPairs(headers: FlatHeaders): [string, string][] {
  const pairs: [string, string][] = []
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    const value = headers[i + 1] as string
    if (!isFraming(name) && isField(name, value)) pairs.push([name, value])
  }
  return pairs
}

/** A line for each of them. */
export function trailerLines(headers: FlatHeaders): string {
  let lines = ''
  for (const [name, value] of trailerPairs(headers)) lines += `${name}: ${value}\r\n`
  return lines
}

/** Trailers must not frame or route (RFC 9110, section 6.5.1). */
function isFraming(name: string): boolean {
  switch (name.toLowerCase()) {
    case 'content-length':
    case 'transfer-encoding':
    case 'connection':
    case 'trailer':
    case 'host':
    case 'te':
      return true
    default:
      return false
  }
}

/** Whether a field says that the answer is a stream of events. */
export function saysStream(name: string, value: string): boolean {
  return isNamed(name, 'content-type') && beginsWith(value, 'text/event-stream')
}
