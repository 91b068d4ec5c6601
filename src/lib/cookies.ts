import type { FlatHeaders } from './headers.ts'

/**
 * The value of the first cookie of that name (RFC 6265, section 4.2), over all `Cookie` fields; undefined if there is none.
 * Names are case-sensitive; the value is as it was sent.
 */
export function cookieValue(headers: FlatHeaders, name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) {
    const field = headers[i] as string
    if (field.length !== 6 || field.toLowerCase() !== 'cookie') continue
    const value = valueIn(headers[i + 1] as string, name)
    if (value !== undefined) return value
  }
  return undefined
}

function valueIn(pairs: string, name: string): string | undefined {
  for (let from = 0; from < pairs.length; ) {
    const semicolon = pairs.indexOf(';', from)
    const end = semicolon === -1 ? pairs.length : semicolon
    const equals = pairs.indexOf('=', from)
    if (equals !== -1 && equals < end && pairs.slice(from, equals).trim() === name) {
      return pairs.slice(equals + 1, end).trim()
    }
    from = end + 1
  }
  return undefined
}
