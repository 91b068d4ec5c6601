const QUOTE = 34
const BACKSLASH = 92
const MAX_LENGTH = 2048
const PAD3: readonly string[] = Array.from({ length: 1000 }, (_, n) => String(n).padStart(3, '0'))

function isPlain(code: number): boolean {
  return code >= 0x20 && code < 0x7f && code !== QUOTE && code !== BACKSLASH
}

/**
 * The inside of a JSON string, in ASCII. Texts that clients choose can be long: beyond 2,048 characters they are cut, and
 * end in an ellipsis.
 */
export function jsonText(value: string): string {
  const text = value.length > MAX_LENGTH ? `${value.slice(0, MAX_LENGTH)}\u2026` : value
  for (let i = 0; i < text.length; i++) {
    if (!isPlain(text.charCodeAt(i))) return escaped(text, i)
  }
  return text
}

function escaped(text: string, firstOdd: number): string {
  let out = ''
  let start = 0
  for (let i = firstOdd; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (isPlain(code)) continue
    out += text.slice(start, i)
    if (code === QUOTE) out += '\\"'
    else if (code === BACKSLASH) out += '\\\\'
    else out += `\\u${code.toString(16).padStart(4, '0')}`
    start = i + 1
  }
  return out + text.slice(start)
}

/** Milliseconds with up to three decimals; never negative. */
export function jsonMs(ms: number): string {
  if (ms <= 0) return '0'
  const micros = Math.round(ms * 1000)
  const whole = Math.floor(micros / 1000)
  const rest = micros - whole * 1000
  return rest === 0 ? String(whole) : `${whole}.${PAD3[rest]}`
}

/** RFC 3339 times in UTC with milliseconds; the part up to the second is made once per second. */
export class TimeText {
  private second = -1
  private prefix = ''

  /** `wall`: milliseconds since the epoch. */
  of(wall: number): string {
    const ms = Math.floor(wall)
    const second = Math.floor(ms / 1000)
    if (second !== this.second) {
      this.second = second
      this.prefix = new Date(second * 1000).toISOString().slice(0, 20)
    }
    return `${this.prefix}${PAD3[ms - second * 1000]}Z`
  }
}
