/**
 * Shared memory comes in fixed pages, allocated only by the control plane, sent to workers and never moved.
 *
 * - `words`: Int32, written by any thread with compare-and-swap, or by one documented owner.
 * - `ints`: one Int32 column per worker. A column is contiguous, so that workers never share a cache line; the value of a
 *   cell is the sum over its columns.
 * - `floats`: Float64, written by one worker only (the page belongs to it), folded and read by the control plane.
 *
 * | cells | kind | written by | a dead worker's part |
 * |---|---|---|---|
 * | requests in flight, connections, permits, waiters, streams (`HeldCell`) | ints | its worker, its column only | zeroed after its exit |
 * | heartbeat | words | its worker | set anew by the next one |
 * | pressure (`PressureWord`) | words | as each of them says | set anew |
 * | endpoint words (`EndpointWord`) | words | as each of them says | stays |
 * | outcome windows (`OutcomeWindow`) | ints | its worker, its column only | forgotten: its column is zeroed |
 * | breaker words (`Circuit`) | words | any worker, by compare-and-swap; the operator's by the control plane | stays |
 * | who waits (`QueueBoard`) | ints | its worker, its column only | zeroed after its exit |
 * | when a queue was last empty | words | any worker that saw it | stays |
 * | waiters to be shed | words | any worker, by addition and compare-and-swap | stays |
 * | adaptive limits (`AdaptiveLimit`) | words | the worker that ended the window, by compare-and-swap on its time | stays |
 * | mailboxes (`Mailboxes`) | words | any worker, by addition | stays |
 * | metric series (`core/series.ts`) | floats | its worker | added to the base after its exit, then zeroed |
 */
export type PageKind = 'words' | 'ints' | 'floats'

export const PAGE_BYTES = 65_536

export interface Page {
  readonly id: number
  readonly kind: PageKind
  readonly buffer: SharedArrayBuffer
}

/** Where a cell is. Of `ints`: the slot within each column. */
export interface CellRef {
  readonly page: number
  readonly slot: number
}
