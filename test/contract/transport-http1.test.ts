import { http1Transport } from '../../src/data/upstreams/transports/http1.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { EventClock } from '../../src/lib/event-clock.ts'
import { describeTransport } from './transport.ts'

describeTransport('http1', (timers) => http1Transport(new EventClock(systemClock), timers))
