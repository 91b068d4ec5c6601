import type { FlatHeaders } from '../../lib/headers.ts'

/** Whether this is a Content-Length that can be counted to. */
export function isLength(text: string): boolean {
  if (text.length === 0 || text.length > 15) return false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 48 || code > 57) return false
  }
  return true
}

/** Trailers as node:http takes them, without those that must not be there. */
export function trailerPairs(headers: FlatHeaders): [string, string][] {
  const pairs: [string, string][] = []
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    if (!isFraming(name)) pairs.push([name, headers[i + 1] as string])
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
