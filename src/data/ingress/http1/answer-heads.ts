import { isField } from '../../../http/wire/sendable.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { FlatHeaders } from '../../../lib/headers.ts'
import { httpDate } from '../../../lib/http-date.ts'
import { http } from '../../../lib/node-http.ts'
import { Pieces } from '../../../lib/pieces.ts'
import { Timer, type TimerWheel } from '../../../lib/timers.ts'

const HIGHEST_STATUS = 999
const CLOSE = 'Connection: close\r\n\r\n'

/** What heads of answers are made of; one instance belongs to one listener. */
export class AnswerHeads {
  /** Where they become one with the body behind them. */
  readonly pieces = new Pieces()
  private readonly clock: Clock
  private readonly timers: TimerWheel
  private readonly lines: (string | undefined)[] = new Array(HIGHEST_STATUS + 1).fill(undefined)
  /** `Connection` and the empty line, of answers behind which the connection stays open. */
  private readonly keep: string
  /** The same with the date in front, and of those that close; `''`: the second that they are of is over. */
  private datedKeep = ''
  private datedClose = ''
  private readonly second = new Timer(() => this.forgetDate())

  /** `keepAlive`: milliseconds after which an idle connection is closed. */
  constructor({ clock, timers }: { readonly clock: Clock; readonly timers: TimerWheel }, keepAlive: number) {
    this.clock = clock
    this.timers = timers
    const seconds = Math.floor(keepAlive / 1000)
    this.keep = `Connection: keep-alive\r\nKeep-Alive: timeout=${seconds}\r\n\r\n`
  }

  statusLine(status: number): string {
    const known = this.lines[status]
    if (known !== undefined) return known
    const line = `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? 'unknown'}\r\n`
    this.lines[status] = line
    return line
  }

  /** The end of a head. `dated`: it has a date; `keeps`: the connection stays open. */
  end(dated: boolean, keeps: boolean): string {
    if (dated) return keeps ? this.keep : CLOSE
    if (this.datedKeep === '') this.readDate()
    return keeps ? this.datedKeep : this.datedClose
  }

  close(): void {
    this.timers.cancel(this.second)
  }

  private readDate(): void {
    const wall = this.clock.wall()
    const date = `Date: ${httpDate(wall)}\r\n`
    this.datedKeep = date + this.keep
    this.datedClose = date + CLOSE
    this.timers.schedule(this.second, 1000 - (wall % 1000))
  }

  private forgetDate(): void {
    this.datedKeep = ''
    this.datedClose = ''
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
