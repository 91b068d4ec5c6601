import { ownMemory } from '../../lib/own-memory.ts'
import type { ByteBudget } from './byte-budget.ts'

/** A part smaller than this is copied to those before it. */
const SMALL = 1_024
const TAIL = 4_096

/** The parts of a request body that are held for its attempts; counted in the budget of the worker. */
export class HeldChunks {
  /** The budget is spent. */
  crowded = false
  /** Bytes that count in the budget. */
  bytes = 0
  private readonly budget: ByteBudget
  private chunks: Buffer[] = []
  /** How many of them the current attempt has been given. */
  private position = 0
  /** Where the latest one stands, if it is one of copies that may have room for more. */
  private tail: Buffer | undefined = undefined

  constructor(budget: ByteBudget) {
    this.budget = budget
  }

  get count(): number {
    return this.chunks.length
  }

  /** The current attempt has been given all of them. */
  get given(): boolean {
    return this.position === this.chunks.length
  }

  /** The next one for the current attempt; undefined: it has all. */
  next(): Buffer | undefined {
    return this.given ? undefined : this.chunks[this.position++]
  }

  /** Another attempt begins. */
  rewind(): void {
    this.position = 0
  }

  /** Beyond the budget it is held in any case, and `crowded` says so. */
  hold(chunk: Buffer): void {
    const { length } = chunk
    if (this.budget.take(length)) this.bytes += length
    else this.crowded = true
    if (length < SMALL && this.joins(chunk)) return
    this.tail = undefined
    // A read buffer that is mostly empty is not kept alive.
    this.chunks.push(ownMemory(chunk, 2))
  }

  /** Only those stay that the current attempt has not been given. False: it has been given none. */
  forgetGiven(): boolean {
    let given = 0
    for (const chunk of this.chunks.splice(0, this.position)) given += chunk.length
    this.giveBack(Math.min(given, this.bytes))
    this.position = 0
    return given > 0
  }

  /** None is held any more; returns those that were. */
  letGo(): readonly Buffer[] {
    const { chunks } = this
    this.tail = undefined
    if (chunks.length > 0) this.chunks = []
    this.position = 0
    this.giveBack(this.bytes)
    return chunks
  }

  private giveBack(bytes: number): void {
    this.bytes -= bytes
    this.budget.give(bytes)
  }

  /** A body in parts of some bytes would take a hundred times its size: they are copied together, unless one was given already. */
  private joins(part: Buffer): boolean {
    const { chunks } = this
    const last = chunks[chunks.length - 1]
    if (last === undefined || this.given) return false
    if (this.tail === undefined) {
      if (last.length >= SMALL) return false
      this.tail = Buffer.allocUnsafeSlow(TAIL)
      last.copy(this.tail)
    } else if (last.length + part.length > TAIL) return false
    part.copy(this.tail, last.length)
    chunks[chunks.length - 1] = this.tail.subarray(0, last.length + part.length)
    return true
  }
}
