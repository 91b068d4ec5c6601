import type { Exchange } from '../../core/exchange.ts'
import { fieldValue } from '../../lib/headers.ts'
import { token } from './respond.ts'
import type { Snapshot } from './snapshot.ts'

/** A trusted peer sent `sluice-explain: 1`. For answers of our own; the forwarder sees it on its way. */
export function asksHow(ex: Exchange): boolean {
  return fieldValue(ex.headers, 'sluice-explain') === '1'
}

/** The value of `sluice-explain` in an answer: an item of RFC 9651 whose parameters say how the answer came about. */
export function howAnswered({ gateway, generation }: Pick<Snapshot, 'gateway' | 'generation'>, ex: Exchange): string {
  const { attempt, attempts, degraded, failure, queuedMs, route } = ex
  let text = `${token(gateway)};generation=${generation}`
  if (route !== undefined) text += `;route=${token(route.name)}`
  if (attempt !== undefined) text += `;upstream=${token(attempt.upstream)};endpoint=${token(attempt.endpoint)}`
  text += `;attempts=${attempts};queue_ms=${Math.round(queuedMs)}`
  if (failure !== undefined) text += `;reason=${failure.reason}`
  return degraded === undefined ? text : `${text};degraded=${degraded}`
}
