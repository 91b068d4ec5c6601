/** How many are made at a time. A text keeps those that were made with it in memory: the batch stays small. */
const BATCH = 32

/** ASCII texts of one length that are made many at a time: each costs a part of one native call, and is one flat piece. */
export class TextBatch {
  private readonly length: number
  private readonly write: (out: Uint8Array, at: number) => void
  private readonly bytes: Buffer
  private text = ''
  private at = 0

  /** `write` puts the codes of one text into `out`, from `at` on. */
  constructor(length: number, write: (out: Uint8Array, at: number) => void) {
    this.length = length
    this.write = write
    this.bytes = Buffer.alloc(BATCH * length)
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
