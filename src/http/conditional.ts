import { type FlatHeaders, fieldValue, fieldValues } from '../lib/headers.ts'
import { parseHttpDate } from '../lib/http-date.ts'

/** What is there, as conditional requests name it. */
export interface Representation {
  /** With its quotes; strong. */
  readonly etag: string
  /** Milliseconds since the epoch, whole seconds. */
  readonly modified: number
  /** Bytes. */
  readonly size: number
}

/** A part of it: `to` is the last byte. */
export interface ByteRange {
  readonly from: number
  readonly to: number
}

/** `failed`: 412; `unmodified`: 304. */
export type Precondition = 'holds' | 'failed' | 'unmodified'

/** What the conditions of a GET or HEAD come to, in the order of RFC 9110, section 13.2.2. `wall`: now. */
export function precondition(headers: FlatHeaders, there: Representation, wall: number): Precondition {
  const match = fieldValues(headers, 'if-match')
  if (match !== '') {
    if (!lists(match, there.etag, false)) return 'failed'
  } else {
    const since = dateOf(headers, 'if-unmodified-since', wall)
    if (since !== undefined && there.modified > since) return 'failed'
  }
  const none = fieldValues(headers, 'if-none-match')
  if (none !== '') return lists(none, there.etag, true) ? 'unmodified' : 'holds'
  const since = dateOf(headers, 'if-modified-since', wall)
  return since !== undefined && there.modified <= since ? 'unmodified' : 'holds'
}

/** The part that a GET asks for; undefined: the whole, also for several parts and what is no range of bytes. */
export function rangeOf(
  headers: FlatHeaders,
  there: Representation,
  wall: number,
): ByteRange | 'unsatisfiable' | undefined {
  const range = fieldValue(headers, 'range')
  if (range === undefined || !isFresh(headers, there, wall)) return undefined
  const found = /^bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/i.exec(range)
  if (found === null) return undefined
  const [, first = '', last = ''] = found
  const { size } = there
  if (first === '') {
    if (last === '') return undefined
    const count = Math.min(Number(last), size)
    return count === 0 ? 'unsatisfiable' : { from: size - count, to: size - 1 }
  }
  const from = Number(first)
  if (last !== '' && Number(last) < from) return undefined
  if (from >= size) return 'unsatisfiable'
  return { from, to: last === '' ? size - 1 : Math.min(Number(last), size - 1) }
}

/** `If-Range` names what is there: compared as equal bytes, since a weak validator says nothing of bytes. */
function isFresh(headers: FlatHeaders, there: Representation, wall: number): boolean {
  const validator = fieldValue(headers, 'if-range')
  if (validator === undefined) return true
  if (validator.startsWith('"') || validator.startsWith('W/')) return validator === there.etag
  return parseHttpDate(validator, wall) === there.modified
}

function dateOf(headers: FlatHeaders, name: string, wall: number): number | undefined {
  const value = fieldValue(headers, name)
  return value === undefined ? undefined : parseHttpDate(value, wall)
}

/** Whether a list of entity tags has this one. `weak`: `W/` before one of the list makes no difference. */
function lists(list: string, etag: string, weak: boolean): boolean {
  if (list.trim() === '*') return true
  // Commas may stand in tags: tag by tag.
  for (const [, mark, tag] of list.matchAll(/(W\/)?("[^"]*")/g)) {
    if (tag === etag && (weak || mark === undefined)) return true
  }
  return false
}
