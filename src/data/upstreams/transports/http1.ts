import type { Transport } from '../../../core/transport.ts'
import type { EventClock } from '../../../lib/event-clock.ts'
import { Spread } from '../../../lib/lifetime.ts'
import { Pieces } from '../../../lib/pieces.ts'
import type { TimerWheel } from '../../../lib/timers.ts'
import { SecureContexts } from './dial.ts'
import { Http1Link } from './http1-link.ts'
import type { TransportParts } from './http1-parts.ts'
import { ReadMemory } from './http1-read-buffers.ts'
import { Turn } from './http1-turn.ts'

/**
 * HTTP/1.1 straight over sockets, TCP or TLS.
 *
 * @param scavenge frees dead read buffers; undefined: V8 alone does
 */
export function http1Transport(clock: EventClock, timers: TimerWheel, scavenge?: () => void): Transport {
  const shared: TransportParts = {
    clock,
    timers,
    spread: new Spread(),
    contexts: new SecureContexts(),
    turn: new Turn(),
    reads: new ReadMemory(scavenge),
    pieces: new Pieces(),
  }
  return {
    protocol: 'http/1.1',
    open: (target, options, owner) => new Http1Link(shared, target, options, owner),
  }
}
