import type { Duplex } from 'node:stream'
import { Timer, type TimerWheel } from '../../../lib/timers.ts'
import { divert } from './divert.ts'

/** The longest gap between bytes that are dropped, and the longest time for all of them, milliseconds. */
export const SILENCE_MS = 5_000
export const TOTAL_MS = 30_000

/**
 * The end of a connection whose client may still send (RFC 9112, section 9.6). A socket that is closed over unread bytes,
 * or gets some afterwards, is reset, and the reset destroys the part of the answer that the client has not read yet. So our
 * side is closed first; then bytes are read and dropped until the client closes its own side, within bounds.
 */
export class Linger {
  private readonly timers: TimerWheel
  private readonly timer: Timer
  private readonly ends: number

  /** `total`: milliseconds after which the connection is cut, however the client behaves. */
  constructor(socket: Duplex, timers: TimerWheel, total: number) {
    this.timers = timers
    this.timer = new Timer(() => socket.destroy())
    timers.schedule(this.timer, Math.min(SILENCE_MS, total))
    this.ends = timers.coarseNow + total
    divert(socket, () => this.moved())
    socket.end()
  }

  stop(): void {
    this.timers.cancel(this.timer)
  }

  private moved(): void {
    const { ends, timer, timers } = this
    if (timer.scheduled) timers.scheduleAt(timer, Math.min(timers.coarseNow + SILENCE_MS, ends))
  }
}
