import type { Exchange } from '../../core/exchange.ts'
import { fieldValue } from '../../lib/headers.ts'
import { token } from './failure-reply.ts'
import type { Snapshot } from './snapshot.ts'

/** A trusted peer sent `sluice-explain: 1`. For our own answers; for others the forwarder reads it. */
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

/**
 * The value of `server-timing` in an answer whose head goes out at `firstByteAt` (W3C Server Timing): milliseconds in queues,
 * of the attempt that is relayed until its head, and in all.
 */
export function serverTiming({ attempt, firstByteAt, queuedMs, startedAt }: Exchange): string {
  let text = `queue;dur=${queuedMs.toFixed(1)}`
  if (attempt !== undefined && attempt.headAt !== 0)
    text += `, upstream;dur=${(attempt.headAt - attempt.startedAt).toFixed(1)}`
  return `${text}, total;dur=${(firstByteAt - startedAt).toFixed(1)}`
}
