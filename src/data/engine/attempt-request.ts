import type { Attempt } from '../../core/attempt.ts'
import type { Exchange } from '../../core/exchange.ts'
import type { TransportRequest } from '../../core/transport.ts'
import type { Endpoint } from '../upstreams/endpoint.ts'

/** What an attempt sends of its request. */
export interface AttemptSource {
  readonly ex: Exchange
  /** Bytes that attempts announce: 0 none, -1 unknown. */
  readonly bodyLength: number
}

/** The latest attempt as the wire sees it. `fields`: shared by all attempts; those of the attempt are added. */
export function attemptRequest(
  { ex, bodyLength }: AttemptSource,
  endpoint: Endpoint,
  fields: string[],
): TransportRequest {
  const at = ex.attempt as Attempt
  fields.push('sluice-attempt', String(ex.attempts))
  ex.trace?.dispatched(at, fields)
  if (ex.deadline !== Number.POSITIVE_INFINITY) fields.push('sluice-timeout-ms', timeLeft(ex, at))
  return {
    method: ex.method,
    target: ex.forwardTarget,
    authority: ex.forwardAuthority ?? endpoint.authority,
    headers: fields,
    contentLength: bodyLength,
  }
}

/** It waited for a connection: it has less time than when it was made. */
export function renewTimeLeft(ex: Exchange, at: Attempt, { headers }: TransportRequest): void {
  const fields = headers as string[]
  if (ex.deadline !== Number.POSITIVE_INFINITY) fields[fields.length - 1] = timeLeft(ex, at)
}

function timeLeft(ex: Exchange, at: Attempt): string {
  return String(Math.max(1, Math.floor(ex.deadline - at.startedAt)))
}
