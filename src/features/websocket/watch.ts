import type { FeatureContext } from '../../core/feature.ts'
import type { TunnelSide } from '../../core/tunnel.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Random } from '../../lib/random.ts'
import type { TimerWheel } from '../../lib/timers.ts'
import type { WebSocketOptions } from './keys.ts'
import { Traffic } from './traffic.ts'
import { ABNORMAL } from './wire/closes.ts'
import type { decisions, metrics } from './words.ts'

type Context = FeatureContext<unknown, typeof metrics, typeof decisions>

const FIRST_CODE = 1000
const LAST_STANDARD = 1014
const FIRST_REGISTERED = 3000
const FIRST_OWN = 4000
const BEYOND = 5000

/** What all WebSockets of a route have in common. */
export class Watch {
  readonly clock: Clock
  readonly timers: TimerWheel
  readonly random: Random
  readonly note: Context['note']
  /** Milliseconds; Infinity: off. */
  readonly ping: number
  readonly idle: number
  /** Bytes. */
  readonly maxFrame: number
  readonly fromClient: Traffic
  readonly fromUpstream: Traffic
  private readonly metrics: Context['metrics']
  private readonly route: string

  constructor({ idle, maxFrame, ping }: WebSocketOptions, context: Context) {
    const { metrics, use } = context
    this.clock = context.clock
    this.timers = context.timers
    this.random = context.random
    this.note = context.note
    this.ping = ping ?? Number.POSITIVE_INFINITY
    this.idle = idle ?? Number.POSITIVE_INFINITY
    this.maxFrame = maxFrame ?? Number.POSITIVE_INFINITY
    this.metrics = metrics
    this.route = use.name
    this.fromClient = new Traffic(metrics, use.name, 'client')
    this.fromUpstream = new Traffic(metrics, use.name, 'upstream')
  }

  /** A client masks what it sends with what cannot be guessed (RFC 6455, 5.3). */
  maskTo(side: TunnelSide): number | undefined {
    return side === 'upstream' ? this.random.uint32() : undefined
  }

  pinged(to: TunnelSide): void {
    this.metrics.counter('sluice_websocket_pings_total', [this.route, to]).inc()
  }

  /** `code`: of the first Close; 0: there was none. */
  closed(by: TunnelSide | 'sluice', code: number): void {
    this.metrics.counter('sluice_websocket_closes_total', [this.route, by, codeLabel(code)]).inc()
  }
}

/** Few: either side may choose any code. */
function codeLabel(code: number): string {
  if (code === 0) return String(ABNORMAL)
  if (code >= FIRST_CODE && code <= LAST_STANDARD) return String(code)
  if (code < FIRST_REGISTERED || code >= BEYOND) return 'other'
  return code < FIRST_OWN ? '3xxx' : '4xxx'
}
