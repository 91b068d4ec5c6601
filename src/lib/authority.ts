import { canonicalIpv6 } from './ip.ts'

const MAX_LENGTH = 261
const DOT = 46
const OPENING = 91

/** Letters, digits, `-`, `.`, `_`: what names of services and hosts are made of. */
function isNameCode(code: number): boolean {
  return (
    (code >= 97 && code <= 122) ||
    isUpperCode(code) ||
    (code >= 48 && code <= 57) ||
    code === 45 ||
    code === 46 ||
    code === 95
  )
}

function isUpperCode(code: number): boolean {
  return code >= 65 && code <= 90
}

/** The end of the name in `text`, or -1 where it has an empty label. */
function nameEnd(text: string): number {
  let end = 0
  let before = DOT
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end)
    if (!isNameCode(code)) break
    if (code === DOT && before === DOT) return -1
    before = code
  }
  return end === 0 ? -1 : end
}

function isPort(text: string, start: number): boolean {
  if (text.charCodeAt(start) !== 58 || text.length - start > 6) return false
  let port = 0
  for (let i = start + 1; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) return false
    port = port * 10 + digit
  }
  return port <= 65_535
}

/**
 * The host of `text`, a `host[:port]` as RFC 3986, section 3.2 defines it, in its one canonical form: lower-case, without
 * port and without the dot of the root; IPv6 in brackets, as `canonicalIpv6` writes it. undefined: not an authority;
 * userinfo and empty labels are refused.
 *
 * Reading it is about as quick as looking it up in a map of those read before.
 */
export function hostOf(text: string): string | undefined {
  if (text.length > MAX_LENGTH) return undefined
  if (text.charCodeAt(0) === OPENING) return addressOf(text)
  const end = nameEnd(text)
  if (end === -1 || (end < text.length && !isPort(text, end))) return undefined
  const dotted = text.charCodeAt(end - 1) === DOT
  const host = dotted || end < text.length ? text.slice(0, dotted ? end - 1 : end) : text
  return isLower(host) ? host : host.toLowerCase()
}

function addressOf(text: string): string | undefined {
  const end = text.indexOf(']')
  if (end === -1 || (end + 1 < text.length && !isPort(text, end + 1))) return undefined
  const address = canonicalIpv6(text.slice(1, end))
  return address === undefined ? undefined : `[${address}]`
}

function isLower(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (isUpperCode(text.charCodeAt(i))) return false
  return true
}
