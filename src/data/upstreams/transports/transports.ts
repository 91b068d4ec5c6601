import type { Transport } from '../../../core/transport.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { TimerWheel } from '../../../lib/timers.ts'
import { http1Transport } from './http1.ts'
import { undiciTransport } from './undici.ts'

/** How endpoints are spoken to. The one for TLS is made for the first endpoint that needs it, before any request does. */
export class Transports {
  readonly plain: Transport
  private readonly timers: TimerWheel
  private secure: Transport | undefined = undefined

  constructor(clock: Clock, timers: TimerWheel) {
    this.plain = http1Transport(clock, timers)
    this.timers = timers
  }

  get tls(): Transport {
    this.secure ??= undiciTransport(this.timers)
    return this.secure
  }
}
