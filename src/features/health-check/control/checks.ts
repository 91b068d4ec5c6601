import { SecureContexts } from '../../../data/upstreams/transports/dial.ts'
import { http1Transport } from '../../../data/upstreams/transports/http1.ts'
import type { Clock } from '../../../lib/clock.ts'
import { EventClock } from '../../../lib/event-clock.ts'
import { TimerWheel } from '../../../lib/timers.ts'
import type { Check } from './check.ts'
import { grpcCheck } from './grpc-check.ts'
import { httpCheck } from './http-check.ts'
import { tcpCheck } from './tcp-check.ts'
import type { WatchDeps } from './watch.ts'

/** Every kind of check. */
export function healthChecks(clock: Clock): WatchDeps['checks'] {
  const timers = new TimerWheel(clock)
  const contexts = new SecureContexts()
  let http: Check | undefined
  return {
    // Its transport costs memory: it is made only when needed.
    http(request, done) {
      http ??= httpCheck(http1Transport(new EventClock(clock), timers))
      return http(request, done)
    },
    tcp: tcpCheck(timers, contexts),
    grpc: grpcCheck(contexts),
  }
}
