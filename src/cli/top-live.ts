import type { ReadStream, WriteStream } from 'node:tty'
import type { LiveBody } from '../control/seeing/live/figures.ts'
import type { Clock, ClockHandle } from '../lib/clock.ts'
import { type AdminClient, AdminFailed } from './admin.ts'
import { Exit } from './io.ts'
import { type Rates, ratesOf } from './top-rates.ts'
import { Screen } from './top-screen.ts'
import { headline, type Line, SORT_KEYS, type SortKey, tables } from './top-view.ts'

const EVERY_MS = 1_000
const ANSWER_MS = 5_000
const KEYS = 'q quits  s sorts  / filters'
const ENTER = '\r'
const ESCAPE = '\x1b'
const BACKSPACE = '\x7f'
const CTRL_C = '\x03'

export interface Terminal {
  readonly stdin: ReadStream
  readonly stdout: WriteStream
  readonly colour: boolean
  readonly clock: Clock
}

/** The live view: asks the gateway once per second and draws, until the user quits. Waits for a gateway that is gone. */
export class LiveTop {
  private readonly client: AdminClient
  private readonly terminal: Terminal
  private sort: SortKey
  private filter: string
  private typing = false
  private latest: LiveBody | undefined = undefined
  private rates: Rates | undefined = undefined
  /** Why there is no answer now; empty: there is one. */
  private trouble = ''
  private readonly leaving = new AbortController()
  private timer: ClockHandle
  private screen: Screen | undefined = undefined
  private quit: (error?: unknown) => void = () => {}

  constructor(client: AdminClient, { filter, sort }: { filter: string; sort: SortKey }, terminal: Terminal) {
    this.client = client
    this.terminal = terminal
    this.sort = sort
    this.filter = filter
  }

  /** Resolves when it was quit; the terminal is as it was before. */
  async run(): Promise<void> {
    // Before the screen is taken: what is wrong with the token or the address is said like that of any command.
    this.latest = (await this.client.get('live')) as LiveBody
    this.rates = ratesOf(this.latest, this.latest)
    const { colour, stdin, stdout } = this.terminal
    const done = new Promise<void>((resolve, reject) => {
      this.quit = (error) => (error === undefined ? resolve() : reject(error))
    })
    const leave = (): void => this.quit()
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, leave)
    this.screen = new Screen(stdin, stdout, colour, {
      onKeys: (keys) => this.onKeys(keys),
      onResize: () => this.draw(),
    })
    try {
      this.draw()
      this.askLater()
      await done
    } finally {
      this.terminal.clock.cancel(this.timer)
      this.leaving.abort()
      this.screen.leave()
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, leave)
    }
  }

  private async ask(): Promise<void> {
    const signal = AbortSignal.any([this.leaving.signal, AbortSignal.timeout(ANSWER_MS)])
    try {
      const live = (await this.client.get('live', signal)) as LiveBody
      this.rates = ratesOf(this.latest ?? live, live)
      this.latest = live
      this.trouble = ''
    } catch (error) {
      if (this.leaving.signal.aborted) return
      if (error instanceof AdminFailed && error.exit === Exit.unreachable) this.trouble = error.message
      else this.quit(error)
    }
    this.draw()
    this.askLater()
  }

  private askLater(): void {
    this.timer = this.terminal.clock.after(EVERY_MS, () => void this.ask())
  }

  private onKeys(keys: string): void {
    for (const key of keys) {
      if (key === CTRL_C) this.quit()
      else if (this.typing) this.type(key)
      else this.press(key)
    }
    this.draw()
  }

  private press(key: string): void {
    if (key === 'q') this.quit()
    else if (key === 's') this.sort = SORT_KEYS[(SORT_KEYS.indexOf(this.sort) + 1) % SORT_KEYS.length] as SortKey
    else if (key === '/') {
      this.typing = true
      this.filter = ''
    }
  }

  private type(key: string): void {
    if (key === ENTER) this.typing = false
    else if (key === ESCAPE) {
      this.typing = false
      this.filter = ''
    } else if (key === BACKSPACE) this.filter = this.filter.slice(0, -1)
    else if (key >= ' ') this.filter += key
  }

  private draw(): void {
    const { filter, rates, screen, sort, trouble, typing } = this
    if (screen === undefined || rates === undefined) return
    // Headline, empty line, the line between the tables, their heads, and the last line.
    const rows = Math.max(2, Math.floor((screen.rows - 6) / 2))
    const state: Line = { text: trouble === '' ? '' : `NO ANSWER, retrying: ${trouble}`, tone: 'bad' }
    const body = tables(rates, { sort, filter, rows })
    const shown = typing || filter !== '' ? `  filter: ${filter}${typing ? '_' : ''}` : ''
    const foot: Line = { text: `${KEYS}  sorted by ${sort}${shown}`, tone: 'title' }
    screen.draw([{ text: headline(rates), tone: 'title' }, state, ...body.slice(0, screen.rows - 3), foot])
  }
}
