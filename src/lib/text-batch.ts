/** How many are made at a time. A text keeps those that were made with it in memory: the batch stays small. */
const BATCH = 32

/** ASCII texts of one form that are made many at a time: each costs a part of one native call, and is one flat piece. */
export class TextBatch {
  private readonly length: number
  private readonly write: (out: Uint8Array, at: number) => void
  private readonly bytes: Buffer
  private text = ''
  private at = 0

  /** `write` puts the codes that are not the same as in `form` into `out`, of a text that begins at `at`. */
  constructor(form: string, write: (out: Uint8Array, at: number) => void) {
    this.length = form.length
    this.write = write
    this.bytes = Buffer.from(form.repeat(BATCH), 'latin1')
  }

  next(): string {
    if (this.at === this.text.length) this.fill()
    const from = this.at
    this.at = from + this.length
    return this.text.slice(from, this.at)
  }

  private fill(): void {
    const { bytes, length } = this
    for (let at = 0; at < bytes.length; at += length) this.write(bytes, at)
    this.text = bytes.toString('latin1')
    this.at = 0
  }
}
