import type { TunnelSide } from '../../core/tunnel.ts'
import type { Traffic } from './traffic.ts'
import { FrameReader } from './wire/frames.ts'

/** One direction of a tunnel: what comes from one side, and goes to the other. */
export class Direction extends FrameReader {
  readonly from: TunnelSide
  readonly to: TunnelSide
  readonly traffic: Traffic
  /** Code of the Close that came; 0: none did. */
  code = 0
  /** A Close of ours has gone: nothing follows it, and what comes is dropped. */
  cut = false
  /** Code of the Close of ours that goes at the next boundary; 0: none does. */
  due = 0
  /** Nothing more comes. */
  ended = false
  /** Clock milliseconds at which the latest bytes came. */
  heardAt: number
  /** Since then its side was asked whether it is there. */
  asked = false
  /** Pongs that it owes us: those are not passed on. */
  owed = 0
  /** Clock milliseconds at which its silence is looked at next. */
  lookAt: number

  /** `silence`: milliseconds until the first look. */
  constructor(from: TunnelSide, to: TunnelSide, traffic: Traffic, now: number, silence: number) {
    super()
    this.from = from
    this.to = to
    this.traffic = traffic
    this.heardAt = now
    this.lookAt = now + silence
  }

  /** No frame of ours may go this way any more. */
  get isClosed(): boolean {
    return this.cut || this.isDone
  }

  /** Its side has no more to say. */
  get isDone(): boolean {
    return this.code !== 0 || this.ended
  }
}
