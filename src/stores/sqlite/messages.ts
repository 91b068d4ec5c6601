import type { AnswerMessage, AskMessage, LinkBounds } from '../../core/link.ts'
import { STORE_BOUNDS } from '../../core/store.ts'
import type { StoreCall } from '../calls/call.ts'

/** What a thread that serves a file is told, and says. Nothing here loads SQLite. */

/** A call with the time at which it was made, in milliseconds since 1970: the clock of the engine. */
export interface TimedCall {
  readonly call: StoreCall
  readonly at: number
}

/** Where a store is, and how large it may be. */
export interface DatabasePlace {
  readonly file: string
  /** Bytes that the file may have; its log comes on top. */
  readonly bytes: number
  /** It is known to be broken. */
  readonly broken: boolean
}

/** Why a file is not opened; it stays as it is. */
export interface NotOpened {
  /** `locked`: another process has it open; `newer`, `foreign`: written by a later Sluice, by something else. */
  readonly refused: 'locked' | 'newer' | 'foreign' | 'failed'
  /** For operators. */
  readonly message: string
}

/** What the thread is started with. */
export interface StoreThreadStart extends DatabasePlace {
  /** See `firstVersion`. */
  readonly firstVersion: number
}

/** `close`: writes what has come by then, and ends the thread; `turn`: answers that one. */
export type ToStoreThread = AskMessage | { readonly type: 'close' } | { readonly type: 'turn' }

/**
 * `turn`: waits to hear the same, by which all answers before it have been taken; `bytes`: of the file; `fault`: a call
 * failed that should not.
 */
export type FromStoreThread =
  | AnswerMessage
  | { readonly type: 'turn' }
  | { readonly type: 'opened'; readonly bytes: number; readonly setAside: string | undefined }
  | { readonly type: 'refused'; readonly why: NotOpened }
  | { readonly type: 'bytes'; readonly bytes: number }
  | { readonly type: 'fault'; readonly message: string }

/** The one thing that the thread is asked; the value: a {@link TimedCall}. */
export const STORE_CALL = 'call'

/** What may be on the way to the thread and back. */
export const STORE_LINK: LinkBounds = { questions: 4096, bytes: STORE_BOUNDS.value + 1_048_576 }

/** Exit codes: the file is broken; the thread cannot go on. */
export const EXIT_BROKEN = 71
export const EXIT_FAILED = 70
