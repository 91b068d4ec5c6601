/** Octets that HTTP/1.1 syntax is made of (RFC 9110 section 5.6, RFC 9112), and classes of them as 256-entry tables. */

export const HTAB = 0x09
export const LF = 0x0a
export const CR = 0x0d
export const SP = 0x20
export const COLON = 0x3a

const TOKEN_SYMBOLS = "!#$%&'*+-.^_`|~"

/** `tchar`: what methods and field names consist of. */
export const TOKEN: Uint8Array = table((octet) => {
  const letter = (octet | 0x20) >= 0x61 && (octet | 0x20) <= 0x7a
  return letter || (octet >= 0x30 && octet <= 0x39) || TOKEN_SYMBOLS.includes(String.fromCharCode(octet))
})

/** Field values and reason phrases: visible, space, tab, and 0x80 to 0xFF. */
export const TEXT_OCTETS: Uint8Array = table((octet) => octet === HTAB || (octet >= SP && octet !== 0x7f))

/** What request targets consist of: visible ASCII. What of it belongs where is decided when they are read as URLs. */
export const TARGET_OCTETS: Uint8Array = table((octet) => octet > SP && octet < 0x7f)

function table(holds: (octet: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, octet) => (holds(octet) ? 1 : 0))
}

/** Whether `buffer[from, to)` is `name` (lower-case letters and hyphens) in any case. */
export function isName(buffer: Uint8Array, from: number, to: number, name: string): boolean {
  if (to - from !== name.length) return false
  for (let i = 0; i < name.length; i++) {
    const octet = buffer[from + i] as number
    const lower = octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet
    if (lower !== name.charCodeAt(i)) return false
  }
  return true
}
