/** Text, or what stands before the first byte that is none, and why it is none. */
export type Decoded = { readonly text: string } | { readonly before: string; readonly problem: string }

/** UTF-8 to text without NUL. A byte order mark is dropped. */
export function decode(bytes: Uint8Array): Decoded {
  const text = wholeText(bytes)
  if (text === undefined) return { before: validStart(bytes), problem: 'this is not UTF-8 text; expected a YAML file' }
  const nul = text.indexOf('\0')
  if (nul === -1) return { text }
  return { before: text.slice(0, nul), problem: 'this is not text: it holds NUL bytes; expected a YAML file' }
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

/** Whether it is UTF-8 so far: what ends within a character is no mistake yet. */
function isStart(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
    return true
  } catch {
    return false
  }
}
