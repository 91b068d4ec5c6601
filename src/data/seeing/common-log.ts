import type { Exchange } from '../../core/exchange.ts'
import { bytesOut } from '../../core/tunnel.ts'
import { fieldValue } from '../../lib/headers.ts'
import { loggedPath, maskedQuery } from './masked.ts'

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const MAX_LENGTH = 2048
/** Could end a quoted text or the line, or is not ASCII. */
const ODD = /["\\]|[^\x20-\x7e]/g

/** The parts of a request that may be shown. */
export interface ShownFields {
  readonly queryKeys: ReadonlySet<string>
  /** Header fields that are masked, lower-case. */
  readonly hidden: ReadonlySet<string>
}

/**
 * Lines as web servers write them: NCSA's common log format, and Apache's combined one with Referer and User-Agent. Odd
 * characters are written as `\xHH`, as nginx does. Queries are masked, that of the Referer too.
 */
export class CommonLog {
  private readonly combined: boolean
  private second = -1
  private time = ''

  constructor(format: 'common' | 'combined') {
    this.combined = format === 'combined'
  }

  /** `wall`: milliseconds since the epoch. */
  line(ex: Exchange, shown: ShownFields, status: number, wall: number): string {
    const { downstream, query } = ex
    const target = loggedPath(ex) + (query === '' ? '' : maskedQuery(query, shown.queryKeys))
    const request = `${quotable(downstream.method)} ${quotable(target)} ${downstream.protocol}`
    const line = `${ex.client} - - [${this.timeOf(wall)}] "${request}" ${status} ${bytesOut(ex) || '-'}`
    if (!this.combined) return `${line}\n`
    return `${line} "${this.field(ex, 'referer', shown)}" "${this.field(ex, 'user-agent', shown)}"\n`
  }

  private field(ex: Exchange, name: string, { hidden, queryKeys }: ShownFields): string {
    const value = fieldValue(ex.headers, name)
    if (value === undefined) return '-'
    if (hidden.has(name)) return '***'
    const query = name === 'referer' ? value.indexOf('?') : -1
    return quotable(query === -1 ? value : value.slice(0, query) + maskedQuery(value.slice(query), queryKeys))
  }

  /** `26/Nov/2026:08:33:33 +0000`, made once per second. */
  private timeOf(wall: number): string {
    const second = Math.floor(wall / 1000)
    if (second === this.second) return this.time
    const date = new Date(second * 1000)
    const day = String(date.getUTCDate()).padStart(2, '0')
    this.second = second
    this.time = `${day}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}:${date.toISOString().slice(11, 19)} +0000`
    return this.time
  }
}

function quotable(text: string): string {
  return text.slice(0, MAX_LENGTH).replace(ODD, (odd) => `\\x${odd.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
