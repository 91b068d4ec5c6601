import type { Duplex } from 'node:stream'
import type { Exchange } from '../../core/exchange.ts'
import type { FlatHeaders } from '../../lib/headers.ts'
import type { Dispatch } from './dispatch.ts'
import type { SideDownstream } from './side-downstream.ts'

/** A request of a feature ends with the 101 of its upstream: the feature has the connection, as a part of the stream that it asks for. */
export function handOver(
  run: { readonly ex: Exchange; answering: boolean },
  downstream: SideDownstream,
  dispatch: Dispatch,
  headers: FlatHeaders,
  upstream: Duplex,
): void {
  const { ex } = run
  run.answering = true
  ex.response = { status: 101, headers: [...headers] }
  ex.sent = true
  dispatch.becomesStream()
  dispatch.closed('complete')
  downstream.connected(headers, upstream, dispatch.at.endpoint)
}
