/** One decoding of this many octets covers a usual head; a call per part of it would cost more than all the rest. */
const WINDOW = 1024

/** Text of the octets of a buffer, one character per octet, out of a window that is decoded once. */
export class TextWindow {
  private text = ''
  private buffer: Buffer | undefined = undefined
  private from = 0
  private to = 0

  /** The octets of buffers seen so far may have changed, or need not be kept. */
  forget(): void {
    this.buffer = undefined
    this.text = ''
  }

  /** Text of `buffer[from, end)`, of which more up to `to` may be asked for. */
  slice(buffer: Buffer, from: number, end: number, to: number): string {
    if (buffer !== this.buffer || from < this.from || end > this.to) this.decode(buffer, from, end, to)
    return this.text.slice(from - this.from, end - this.from)
  }

  private decode(buffer: Buffer, from: number, end: number, to: number): void {
    this.buffer = buffer
    this.from = from
    this.to = Math.max(end, Math.min(to, from + WINDOW))
    this.text = buffer.toString('latin1', from, this.to)
  }
}
