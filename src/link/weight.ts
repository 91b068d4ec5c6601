/** What a number, a flag, or the place of anything counts. */
const PLACE_BYTES = 8

/**
 * About how many bytes a structured clone of a value takes: buffers and texts by their length, all else by number. Counts no
 * further than past `most`, so that a value that holds itself has an end, too. What cannot be cloned counts little: sending
 * it fails.
 */
export function weighs(value: unknown, most: number): number {
  const open: unknown[] = [value]
  const buffers = new Set<ArrayBufferLike>()
  let bytes = PLACE_BYTES
  while (open.length > 0 && bytes <= most) {
    const next = open.pop()
    if (typeof next === 'string') bytes += next.length
    else if (typeof next === 'object' && next !== null) {
      const buffer = bufferOf(next)
      if (buffer === undefined) bytes += PLACE_BYTES * openUp(next, open)
      else if (!buffers.has(buffer)) {
        buffers.add(buffer)
        bytes += buffer.byteLength
      }
    }
  }
  return bytes
}

/** A view is cloned with the whole buffer below it: a small `Buffer` of Node's pool with 64 KiB. */
function bufferOf(value: object): ArrayBufferLike | undefined {
  if (ArrayBuffer.isView(value)) return value.buffer
  return value instanceof ArrayBuffer || value instanceof SharedArrayBuffer ? value : undefined
}

/** Puts what is inside on `open`; returns how much that is. */
function openUp(value: object, open: unknown[]): number {
  const before = open.length
  if (value instanceof Map) for (const [key, inner] of value) open.push(key, inner)
  else if (value instanceof Set || Array.isArray(value)) for (const inner of value) open.push(inner)
  else for (const [key, inner] of Object.entries(value)) open.push(key, inner)
  return open.length - before
}
