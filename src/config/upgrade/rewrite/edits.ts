interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** Changes to a text by ranges; the rest stays byte for byte. Ranges must not overlap. */
export class Edits {
  readonly text: string
  /** The line break that the text uses. */
  readonly eol: string
  private readonly edits: Edit[] = []

  constructor(text: string) {
    this.text = text
    this.eol = text.includes('\r\n') ? '\r\n' : '\n'
  }

  replace(start: number, end: number, text: string): void {
    this.edits.push({ start, end, text })
  }

  insert(at: number, text: string): void {
    this.replace(at, at, text)
  }

  slice(start: number, end: number): string {
    return this.text.slice(start, end)
  }

  lineStart(offset: number): number {
    return this.text.lastIndexOf('\n', offset - 1) + 1
  }

  /** Behind the line break, or the end of the text. */
  nextLine(offset: number): number {
    const end = this.text.indexOf('\n', offset)
    return end === -1 ? this.text.length : end + 1
  }

  /** Column from 0. */
  column(offset: number): number {
    return offset - this.lineStart(offset)
  }

  /** Only spaces stand before it in its line. */
  isFirstInLine(offset: number): boolean {
    return this.slice(this.lineStart(offset), offset).trim() === ''
  }

  /** Takes out the lines from `start` to `end`; a comment behind them stays. */
  removeLines(start: number, end: number): void {
    const next = this.nextLine(end)
    const comment = this.slice(end, next).indexOf('#')
    if (comment === -1) this.replace(this.lineStart(start), next, '')
    else this.replace(start, end + comment, '')
  }

  /** Moves all lines from `start` to `end` to the right; empty ones stay. */
  indent(start: number, end: number, by: number): void {
    for (let line = this.lineStart(start); line < end; line = this.nextLine(line))
      if (this.slice(line, this.nextLine(line)).trim() !== '') this.insert(line, ' '.repeat(by))
  }

  apply(): string {
    let out = ''
    let at = 0
    // Insertions at a place come before its replacement.
    for (const { end, start, text } of this.edits.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
      if (start < at) throw new Error(`edits overlap at ${start}`)
      out += this.slice(at, start) + text
      at = end
    }
    return out + this.slice(at, this.text.length)
  }
}
