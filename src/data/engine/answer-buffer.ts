import { type FlatHeaders, fieldValue } from '../../lib/headers.ts'
import { PartQueue } from '../../lib/part-queue.ts'
import { COPIED_BYTES } from '../../lib/pieces.ts'
import type { ByteBudget } from './byte-budget.ts'
import type { OnItsWay } from './legs.ts'

/** Bytes that are kept of one answer. A connection of HTTP/1 carries one answer at a time. */
const ANSWER_BYTES = 262_144
/** Its upstream goes on when no more than this is left. */
const LOW_BYTES = 131_072
const BLOCK = 4_096

/** Whose answer may be kept for its client. */
export interface BufferOwner extends Pick<OnItsWay, 'route'> {
  readonly engine: { readonly answers: ByteBudget }
  /** It is an event stream. */
  readonly stream: boolean
}

/** What keeps an answer that its client does not take; undefined: nothing does. `headers`: of the upstream. */
export function answerBuffer({ engine, route, stream }: BufferOwner, headers: FlatHeaders): AnswerBuffer | undefined {
  if (stream || route?.plan?.buffers.response !== true) return undefined
  // As nginx reads it, and passed on: a proxy in front of Sluice obeys it, too.
  if (fieldValue(headers, 'x-accel-buffering')?.toLowerCase() === 'no') return undefined
  return new AnswerBuffer(engine.answers)
}

/**
 * The buffer behind an answer: what the client's socket does not take. So the upstream is through with its answer, and gives
 * back what it holds, although the client is slow. Counts the memory that is used, which is more than the octets.
 */
export class AnswerBuffer {
  /** Bytes of memory. */
  bytes = 0
  /** Whether the part that was added last is still in use where it was. */
  keeps = false
  private readonly budget: ByteBudget
  private readonly parts = new PartQueue()

  constructor(budget: ByteBudget) {
    this.budget = budget
  }

  /** It can take more. */
  get hasRoom(): boolean {
    return this.bytes < ANSWER_BYTES && !this.budget.spent
  }

  /** So little is left that it is time for more. */
  get isLow(): boolean {
    return this.bytes <= LOW_BYTES
  }

  /** Beyond its bound, too: what was read already must go somewhere. */
  add(part: Buffer): void {
    // A read buffer that is mostly empty is not kept alive, nor one that is read into again.
    this.keeps = part.length > COPIED_BYTES && 2 * part.length >= part.buffer.byteLength
    if (this.keeps) {
      this.parts.push(part)
      this.count(part.buffer.byteLength)
    } else this.count(this.parts.copy(part, BLOCK))
  }

  /** The oldest octets; undefined: there are none. */
  take(): Buffer | undefined {
    const part = this.parts.take()
    if (part !== undefined) this.count(-part.buffer.byteLength)
    return part
  }

  get isEmpty(): boolean {
    return this.bytes === 0
  }

  clear(): void {
    this.count(-this.bytes)
    this.parts.clear()
  }

  private count(bytes: number): void {
    this.bytes += bytes
    this.budget.give(-bytes)
  }
}
