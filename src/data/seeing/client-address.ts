import type { CidrSet } from '../../lib/cidr.ts'
import { IpReader } from '../../lib/ip.ts'

const COLON = 58
const OPEN = 91

function isBlank(code: number): boolean {
  return code === 32 || code === 9
}

/**
 * The client's address: the first one from the right, of the peer and X-Forwarded-For, that is not a trusted proxy. A walk
 * that meets anything but an address (with or without port) ends at the last address that it was sure of, so that garbage
 * never becomes a client.
 */
export class ClientAddress {
  private readonly proxies: CidrSet
  private readonly reader = new IpReader()

  constructor(proxies: CidrSet) {
    this.proxies = proxies
  }

  /** `fields`: values of X-Forwarded-For in wire order; `peer` is a trusted proxy. */
  of(peer: string, fields: readonly string[]): string {
    let client = peer
    for (let f = fields.length - 1; f >= 0; f--) {
      const field = fields[f] as string
      let end = field.length
      while (end >= 0) {
        const comma = end === 0 ? -1 : field.lastIndexOf(',', end - 1)
        const family = this.read(field, comma + 1, end)
        if (family === -1) return client
        if (family !== 0) {
          client = this.reader.text(family)
          if (!this.proxies.has(this.reader.words, family)) return client
        }
        end = comma
      }
    }
    return client
  }

  /** The family of the entry; 0: an empty one, which lists may have; -1: garbage. */
  private read(field: string, start: number, end: number): 0 | 4 | 6 | -1 {
    let from = start
    let to = end
    while (from < to && isBlank(field.charCodeAt(from))) from++
    while (to > from && isBlank(field.charCodeAt(to - 1))) to--
    if (from === to) return 0
    if (field.charCodeAt(from) === OPEN) {
      const close = field.indexOf(']', from)
      if (close === -1 || close >= to || !isPort(field, close + 1, to)) return -1
      return this.reader.read(field, from + 1, close) || -1
    }
    const family = this.reader.read(field, from, to)
    if (family !== 0) return family
    const colon = field.lastIndexOf(':', to - 1)
    if (colon <= from || !isPort(field, colon, to)) return -1
    // Without brackets only IPv4 can carry a port.
    return field.indexOf(':', from) === colon ? this.reader.read(field, from, colon) || -1 : -1
  }
}

/** Nothing, or a colon and one to five digits. */
function isPort(text: string, start: number, end: number): boolean {
  if (start === end) return true
  if (text.charCodeAt(start) !== COLON || end - start < 2 || end - start > 6) return false
  for (let i = start + 1; i < end; i++) {
    const code = text.charCodeAt(i)
    if (code < 48 || code > 57) return false
  }
  return true
}
