import type { ReadStream, WriteStream } from 'node:tty'
import type { Line } from './top-view.ts'

const ENTER = '\x1b[?1049h\x1b[?25l'
const LEAVE = '\x1b[?25h\x1b[?1049l'
const TONES: Readonly<Record<Line['tone'], string>> = { title: '\x1b[1m', plain: '', warn: '\x1b[33m', bad: '\x1b[31m' }

export interface ScreenEvents {
  /** One or more characters as the terminal sent them. */
  onKeys(keys: string): void
  onResize(): void
}

/** A whole terminal, which looks afterwards as it did before: on the alternate screen, without cursor, in raw mode. */
export class Screen {
  private readonly input: ReadStream
  private readonly output: WriteStream
  private readonly colour: boolean
  private readonly events: ScreenEvents
  private readonly onKeys: (chunk: Buffer) => void
  private readonly onResize: () => void
  private readonly restore: () => void
  private left = false

  constructor(input: ReadStream, output: WriteStream, colour: boolean, events: ScreenEvents) {
    this.input = input
    this.output = output
    this.colour = colour
    this.events = events
    this.onKeys = (chunk) => this.events.onKeys(chunk.toString('utf8'))
    this.onResize = () => this.events.onResize()
    this.restore = () => this.leave()
    process.once('exit', this.restore)
    output.on('resize', this.onResize)
    output.write(ENTER)
    input.setRawMode(true)
    input.on('data', this.onKeys)
  }

  /** A terminal that does not know its size reports 0. */
  get rows(): number {
    return this.output.rows || 24
  }

  /** Lines beyond the screen, and their parts beyond its edge, are not drawn. */
  draw(lines: readonly Line[]): void {
    if (this.left) return
    const { rows } = this
    const columns = this.output.columns || 80
    const shown = lines.slice(0, rows).map(({ text, tone }) => this.toned([...text].slice(0, columns).join(''), tone))
    this.output.write(`\x1b[H${shown.map((text) => `${text}\x1b[K`).join('\r\n')}\x1b[J`)
  }

  /** May be called twice. */
  leave(): void {
    if (this.left) return
    this.left = true
    process.off('exit', this.restore)
    this.output.off('resize', this.onResize)
    this.input.off('data', this.onKeys)
    this.input.setRawMode(false)
    this.input.pause()
    this.output.write(LEAVE)
  }

  private toned(text: string, tone: Line['tone']): string {
    return this.colour && TONES[tone] !== '' ? `${TONES[tone]}${text}\x1b[0m` : text
  }
}
