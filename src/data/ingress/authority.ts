const MAX_LENGTH = 261

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

function isAddressCode(code: number): boolean {
  const lower = code | 32
  return (code >= 48 && code <= 58) || (lower >= 97 && lower <= 102) || code === 46
}

/** The end of the host in `text`, or -1 where it holds what no host has. */
function hostEnd(text: string): number {
  if (text.charCodeAt(0) === 91) {
    const end = text.indexOf(']')
    for (let i = 1; i < end; i++) if (!isAddressCode(text.charCodeAt(i))) return -1
    return end < 3 ? -1 : end + 1
  }
  let end = 0
  while (end < text.length && isNameCode(text.charCodeAt(end))) end++
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
 * The host of `text`, a `host[:port]` as RFC 3986, section 3.2 has it: lower-case, without port and trailing dot; IPv6 in
 * brackets. undefined: not an authority; one with userinfo is none.
 *
 * Reading it is about as quick as looking it up in a map of those that were read before.
 */
export function hostOf(text: string): string | undefined {
  if (text.length > MAX_LENGTH) return undefined
  const end = hostEnd(text)
  if (end === -1 || (end < text.length && !isPort(text, end))) return undefined
  const dotted = text.charCodeAt(end - 1) === 46
  if (dotted && end === 1) return undefined
  const host = dotted || end < text.length ? text.slice(0, dotted ? end - 1 : end) : text
  return isLower(host) ? host : host.toLowerCase()
}

function isLower(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (isUpperCode(text.charCodeAt(i))) return false
  return true
}
