import type { HeldCell } from '../../cells/held.ts'
import type { CellRef } from '../../cells/pages.ts'
import type { Exchange } from '../../core/exchange.ts'
import type { FeatureContext } from '../../core/feature.ts'
import type { Policy } from '../../core/policy.ts'
import type { StateSlot } from '../../core/state-slot.ts'
import type { TunnelFacts } from '../../core/tunnel.ts'
import type { Refusal } from '../../core/verdict.ts'
import { handshakeProblem } from './handshake.ts'
import type { decisions, metrics } from './words.ts'

type Context = FeatureContext<Readonly<Record<'open', CellRef>>, typeof metrics, typeof decisions>

/** Decides whether upstreams are asked to change the protocol, and counts the tunnels. */
export class Upgrades implements Policy {
  readonly name: string
  private readonly route: string
  private readonly allowed: readonly string[]
  private readonly open: HeldCell
  private readonly metrics: Context['metrics']
  private readonly note: Context['note']
  /** true: the exchange is an open tunnel. */
  private readonly held: StateSlot<true>

  constructor(allowed: readonly string[], context: FeatureContext<Readonly<Record<'open', CellRef>>, typeof metrics>) {
    this.name = context.feature
    this.route = context.use.name
    this.allowed = allowed
    this.open = context.space.held(context.cells.open)
    this.metrics = context.metrics
    this.note = context.note
    this.held = context.exchangeState()
  }

  admit(ex: Exchange): Refusal | undefined {
    const { offer } = ex
    if (offer === undefined) return undefined
    const { contentLength, noUpgrade } = ex.downstream
    const protocol = offer
      .split(',')
      .find((offered) => this.allowed.includes(offered.trim()))
      ?.trim()
    // Another route that it goes on under may allow more than this one.
    ex.offer = protocol
    // RFC 9110, section 7.8: an offer may be ignored; most of those that are not allowed are `h2c`, on ordinary requests.
    if (protocol === undefined) return undefined
    if (noUpgrade !== undefined)
      return { reason: 'not_implemented', phase: 'request', origin: 'client', detail: noUpgrade }
    if (protocol === 'websocket') {
      const problem = handshakeProblem(ex)
      if (problem !== undefined) return problem
    } else if (contentLength !== 0) return undefined
    ex.upgrade = protocol
    return undefined
  }

  tunnel(ex: Exchange): undefined {
    const { protocol } = ex.tunnel as TunnelFacts
    this.held.set(ex, true)
    this.open.take()
    this.metrics.counter('sluice_tunnels_opened_total', [this.route, protocol]).inc()
  }

  settle(ex: Exchange): void {
    if (this.held.of(ex) !== true) return
    this.held.set(ex, undefined)
    this.open.give()
    const { tunnel } = ex
    // undefined: the client could not get its 101.
    const by = tunnel?.endedBy ?? 'sluice'
    if (tunnel !== undefined) {
      const { fromClient, fromUpstream, protocol } = tunnel
      this.note(ex, 'tunnel', { protocol, by, bytesIn: fromClient, bytesOut: fromUpstream })
    }
    this.metrics.counter('sluice_tunnels_ended_total', [this.route, by, ex.failure?.reason ?? '-']).inc()
  }
}
