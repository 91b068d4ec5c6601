/** One message of protobuf's wire format: the values of each field number, in their order. Written for tests, from the spec. */
export class Message {
  private readonly fields = new Map<number, (bigint | Buffer)[]>()

  constructor(bytes: Buffer) {
    let at = 0
    const varint = (): bigint => {
      let value = 0n
      for (let shift = 0n; ; shift += 7n) {
        const byte = bytes.readUInt8(at++)
        value |= BigInt(byte & 127) << shift
        if (byte < 128) return value
      }
    }
    const take = (length: number): Buffer => {
      if (at + length > bytes.length) throw new Error('a field ends behind its message')
      at += length
      return bytes.subarray(at - length, at)
    }
    while (at < bytes.length) {
      const tag = Number(varint())
      const kind = tag & 7
      if (kind === 0) this.add(tag >> 3, varint())
      else if (kind === 1) this.add(tag >> 3, take(8))
      else if (kind === 2) this.add(tag >> 3, take(Number(varint())))
      else if (kind === 5) this.add(tag >> 3, take(4))
      else throw new Error(`wire type ${kind}`)
    }
  }

  has(field: number): boolean {
    return this.fields.has(field)
  }

  messages(field: number): Message[] {
    return this.all(field).map((value) => new Message(value as Buffer))
  }

  message(field: number): Message {
    return new Message(this.bytes(field))
  }

  bytes(field: number): Buffer {
    return (this.all(field)[0] ?? Buffer.alloc(0)) as Buffer
  }

  text(field: number): string {
    return this.bytes(field).toString()
  }

  number(field: number): number {
    return Number(this.all(field)[0] ?? 0n)
  }

  fixed64(field: number): bigint {
    return this.has(field) ? this.bytes(field).readBigUInt64LE() : 0n
  }

  double(field: number): number {
    return this.has(field) ? this.bytes(field).readDoubleLE() : 0
  }

  /** Packed values of eight bytes each. */
  packed<T>(field: number, read: (bytes: Buffer, at: number) => T): T[] {
    const bytes = this.bytes(field)
    return Array.from({ length: bytes.length / 8 }, (_, i) => read(bytes, i * 8))
  }

  private add(field: number, value: bigint | Buffer): void {
    const values = this.fields.get(field)
    if (values === undefined) this.fields.set(field, [value])
    else values.push(value)
  }

  private all(field: number): (bigint | Buffer)[] {
    return this.fields.get(field) ?? []
  }
}
