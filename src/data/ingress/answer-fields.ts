import type { FlatHeaders } from '../../lib/headers.ts'

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

/** Whether node:http treats this field of an answer specially, see `forNode`. */
export function isSpecial(name: string): boolean {
  switch (name.length) {
    case 6:
      return name.toLowerCase() === 'expect'
    case 7:
      return name.toLowerCase() === 'trailer'
    case 19:
      return name.toLowerCase() === 'content-disposition'
    default:
      return false
  }
}

/**
 * The fields of a head, arranged so that node:http sends each of them unchanged. After a Content-Length it reads
 * Content-Disposition as UTF-8, writes it as latin1, and refuses what is neither; for Trailer it throws where no trailers
 * can follow (RFC 9110, section 6.6.2: it means nothing there); for Expect, which no answer has, it sends the whole head at
 * once, as UTF-8.
 */
export function forNode(headers: FlatHeaders, withLength: boolean, withTrailers: boolean): string[] {
  const first: string[] = []
  const others: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    const lower = name.toLowerCase()
    if (lower === 'expect') continue
    if (lower === 'trailer' && !withTrailers) continue
    // RFC 9110, section 8.6: 204 has none.
    if (lower === 'content-length' && !withLength) continue
    const list = lower === 'content-disposition' ? first : others
    list.push(name, headers[i + 1] as string)
  }
  return first.length === 0 ? others : first.concat(others)
}

/** Whether all of these fields can be written: names are tokens, values latin1 without control characters except tab. */
export function isSendable(headers: FlatHeaders): boolean {
  for (let i = 0; i < headers.length; i += 2) if (!isField(headers[i] as string, headers[i + 1] as string)) return false
  return true
}

function isField(name: string, value: string): boolean {
  return !NOT_A_NAME.test(name) && !NOT_A_VALUE.test(value)
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
