import { integer } from '../schema/scalars.ts'
import type { JsonSchema, Schema } from '../schema/schema.ts'
import { FLAG, said } from '../schema/shape.ts'

/**
 * Small facts by key that outlive the process, where there is a place to keep them: what operators have ordered. They are
 * held in memory, and each change is written to the store of the gateway.
 */
export interface KeptMap<T> {
  /** Those that were kept, and those that were set since. */
  readonly entries: Iterable<readonly [key: string, value: T]>
  readonly size: number
  get(key: string): T | undefined
  /**
   * Holds at once. Resolves, within the deadline of the store, with whether it is on disk; what is not is written as soon as
   * that can be done.
   */
  set(key: string, value: T): Promise<boolean>
  /** The same for the end of it. */
  delete(key: string): Promise<boolean>
}

/** Milliseconds since the epoch, as far as a date may be: beyond that it has no text. */
export const WALL_TIME: Schema<number> = integer(0, 8_640_000_000_000_000)

/** What the answer to a command says in `durable`. */
export const DURABLE: JsonSchema = said('It is on disk: a restart, or a kill, does not forget it.', FLAG)
