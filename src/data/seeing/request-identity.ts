import type { LeanConfig } from '../../core/config.ts'
import type { Exchange } from '../../core/exchange.ts'
import { UNIX_PEER } from '../../lib/address.ts'
import { CidrSet } from '../../lib/cidr.ts'
import type { FieldNames } from '../../lib/headers.ts'
import type { Random } from '../../lib/random.ts'
import type { TextBatch } from '../../lib/text-batch.ts'
import { ClientAddress } from './client-address.ts'
import { isCorrelationId } from './correlation.ts'
import { isTraceparent, isTracestate, newTraceparents } from './trace.ts'

/** The client, and the trace and correlation that the request belongs to: one pass over its fields. */
export class RequestIdentity {
  private readonly proxies: CidrSet
  private readonly trustsUnix: boolean
  private readonly clients: ClientAddress
  private readonly correlation: readonly string[]
  private readonly correlateAny: boolean
  private readonly names: FieldNames
  private readonly newTraces: TextBatch
  /** By length of a field's name: whether a name of that length can matter. Spares most fields the look-up. */
  private readonly lengths = new Uint8Array(256)

  constructor(config: Pick<LeanConfig, 'trustedProxies' | 'correlation'>, names: FieldNames, random: Random) {
    this.trustsUnix = config.trustedProxies.includes(UNIX_PEER)
    this.proxies = new CidrSet(config.trustedProxies.filter((proxy) => proxy !== UNIX_PEER))
    this.clients = new ClientAddress(this.proxies)
    this.correlation = config.correlation.headers
    this.correlateAny = config.correlation.trust === 'any'
    this.names = names
    this.newTraces = newTraceparents(random)
    for (const name of [...this.correlation, 'traceparent', 'tracestate']) this.lengths[name.length] = 1
    if (this.trustsUnix || !this.proxies.empty) this.lengths['x-forwarded-for'.length] = 1
  }

  /** Sets correlationId, traceparent, tracestate, continued, client and trusted. */
  identify(ex: Exchange): void {
    const peer = ex.downstream.peer.address
    const trusted = peer === UNIX_PEER ? this.trustsUnix : this.proxies.contains(peer)
    const headers = ex.headers
    let best = trusted || this.correlateAny ? this.correlation.length : 0
    let parent: string | undefined
    let parents = 0
    let state: string | undefined
    let forwarded: string[] | undefined
    for (let i = 0; i < headers.length; i += 2) {
      if (this.lengths[(headers[i] as string).length] !== 1) continue
      const name = this.names.lower(headers[i] as string)
      const value = headers[i + 1] as string
      if (name === 'traceparent') {
        parent = value
        parents++
      } else if (name === 'tracestate') {
        state = state === undefined ? value : `${state},${value}`
      } else if (name === 'x-forwarded-for' && trusted) {
        if (forwarded === undefined) forwarded = [value]
        else forwarded.push(value)
      }
      for (let k = 0; k < best; k++) {
        if (this.correlation[k] !== name || !isCorrelationId(value)) continue
        ex.correlationId = value
        best = k
      }
    }
    ex.trusted = trusted
    ex.client = forwarded === undefined ? peer : this.clients.of(peer, forwarded)
    if (parent !== undefined && parents === 1 && isTraceparent(parent)) {
      ex.traceparent = parent
      ex.tracestate = state !== undefined && isTracestate(state) ? state : undefined
      ex.continued = true
    } else this.begin(ex)
  }

  /** A trace begins with it. */
  begin(ex: Exchange): void {
    ex.traceparent = this.newTraces.next()
  }
}
