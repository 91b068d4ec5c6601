/** Text; or the valid part before the first byte that is not text, and why it is not. */
export type Decoded = { readonly text: string } | { readonly before: string; readonly problem: string }

/** Characters that YAML allows only as escapes. */
const CONTROL = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/

/** UTF-8 to text without control characters. A byte order mark is dropped. */
export function decode(bytes: Uint8Array): Decoded {
  const text = wholeText(bytes)
  if (text === undefined) return { before: validStart(bytes), problem: 'this is not UTF-8 text; expected a YAML file' }
  const at = text.search(CONTROL)
  return at === -1 ? { text } : { before: text.slice(0, at), problem: problemOf(text.charCodeAt(at)) }
}

function problemOf(code: number): string {
  if (code === 0) return 'this is not text: it contains NUL bytes; expected a YAML file'
  const hex = code.toString(16).padStart(2, '0')
  return `the control character U+00${hex.toUpperCase()} cannot stand here; in "double quotes" write \\x${hex}`
}

function wholeText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function validStart(bytes: Uint8Array): string {
  let [low, high] = [0, bytes.length]
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (isStart(bytes.subarray(0, middle))) low = middle
    else high = middle - 1
  }
  return new TextDecoder('utf-8').decode(bytes.subarray(0, low), { stream: true })
}

/** Whether it is UTF-8 so far: an end within a character is not a mistake yet. */
function isStart(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
    return true
  } catch {
    return false
  }
}
