import type { SeenTunnel } from '../../core/tunnel.ts'
import type { Direction } from './direction.ts'
import type { Watch } from './watch.ts'
import { pingFrame } from './wire/frames.ts'

/** The Pings of one WebSocket: they ask sides that are silent whether they are there. */
export class Pings {
  private readonly watch: Watch
  /** Their payload: Pongs with another one are not for us. */
  private readonly first: number
  private readonly second: number

  constructor(watch: Watch) {
    this.watch = watch
    this.first = watch.random.uint32()
    this.second = watch.random.uint32()
  }

  /**
   * Looks at the silence of the side that `way` comes from, and asks it by `back`. True: it was asked before, and nothing came
   * since.
   */
  unanswered(way: Direction, back: Direction, tunnel: SeenTunnel, now: number): boolean {
    const { from, heardAt } = way
    const { ping } = this.watch
    const silent = now - heardAt >= ping
    way.lookAt = (silent ? now : heardAt) + ping
    if (!silent || way.isDone || tunnel.blocked) {
      // While a side does not take what comes, an answer of the other one is not read.
      way.asked = false
      return false
    }
    if (way.asked) return true
    if (back.atBoundary && !back.isClosed) {
      way.asked = true
      way.owed++
      this.watch.pinged(from)
      tunnel.inject(from, pingFrame(this.first, this.second, this.watch.maskTo(from)))
    }
    return false
  }

  /** Whether a Pong answers a Ping of ours; its head ends at `end`. As many are ours as we have asked. */
  isAnswer(way: Direction, bytes: Buffer, end: number): boolean {
    if (way.owed === 0 || !way.holds(bytes, end, this.first, this.second)) return false
    way.owed--
    return true
  }
}
