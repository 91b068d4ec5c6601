import { type FlatHeaders, isNamed } from '../../../lib/headers.ts'

/** Whether node:http treats this field of an answer specially, see `forNode`. */
export function isSpecial(name: string): boolean {
  return isNamed(name, 'expect') || isNamed(name, 'trailer') || isNamed(name, 'content-disposition')
}

/**
 * The fields of a head, arranged so that node:http sends each of them unchanged. After a Content-Length it reads
 * Content-Disposition as UTF-8, writes it as latin1, and refuses what is neither; for Trailer it throws where no trailers
 * can follow (RFC 9110, section 6.6.2: it means nothing there); for Expect, which no answer has, it sends the whole head at
 * once, as UTF-8.
 */
export function forNode(headers: FlatHeaders, withLength: boolean, withTrailers: boolean): string[] {
  const first: string[] = []
  const others: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    const lower = name.toLowerCase()
    if (lower === 'expect') continue
    if (lower === 'trailer' && !withTrailers) continue
    // RFC 9110, section 8.6: 204 has none.
    if (lower === 'content-length' && !withLength) continue
    const list = lower === 'content-disposition' ? first : others
    list.push(name, headers[i + 1] as string)
  }
  return first.length === 0 ? others : first.concat(others)
}
