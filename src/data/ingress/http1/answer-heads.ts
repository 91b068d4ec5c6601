import type { Clock } from '../../../lib/clock.ts'
import type { FlatHeaders } from '../../../lib/headers.ts'
import { http } from '../../../lib/node-http.ts'
import { isField } from '../common/answer-fields.ts'

const HIGHEST_STATUS = 999

/** What heads of answers are made of; one instance belongs to one listener. */
export class AnswerHeads {
  readonly close = 'Connection: close\r\n'
  readonly keep: string
  private readonly clock: Clock
  private readonly lines: (string | undefined)[] = new Array(HIGHEST_STATUS + 1).fill(undefined)
  private date = ''
  private dateOf = -1

  /** `keepAlive`: milliseconds after which an idle connection is closed. */
  constructor(clock: Clock, keepAlive: number) {
    this.clock = clock
    const seconds = Math.floor(keepAlive / 1000)
    this.keep = `Connection: keep-alive\r\nKeep-Alive: timeout=${seconds}\r\n`
  }

  statusLine(status: number): string {
    const known = this.lines[status]
    if (known !== undefined) return known
    const line = `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? 'unknown'}\r\n`
    this.lines[status] = line
    return line
  }

  /** The line with the date; made once per second. */
  dateLine(): string {
    const second = Math.floor(this.clock.wall() / 1000)
    if (second !== this.dateOf) {
      this.dateOf = second
      this.date = `Date: ${new Date(second * 1000).toUTCString()}\r\n`
    }
    return this.date
  }

  /** A whole 1xx answer; undefined: a field cannot be sent. */
  informational(status: number, headers: FlatHeaders): string | undefined {
    let text = this.statusLine(status)
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i] as string
      const value = headers[i + 1] as string
      if (!isField(name, value)) return undefined
      text += `${name}: ${value}\r\n`
    }
    return `${text}\r\n`
  }
}
