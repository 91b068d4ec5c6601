import { Attempt } from '../../../../src/core/attempt.ts'
import type { Downstream } from '../../../../src/core/downstream.ts'
import { Exchange } from '../../../../src/core/exchange.ts'
import { GOOD, type HeadVerdict } from '../../../../src/core/outcome.ts'

const REQUEST = {
  method: 'GET',
  target: '/orders/1',
  host: 'api.example.com',
  authority: 'api.example.com:8080',
  headers: [] as readonly string[],
  protocol: 'HTTP/1.1',
  peer: { address: '192.0.2.1', port: 50_000, localPort: 8080, secure: false, listener: 'web' },
  bytesIn: 12,
  bytesOut: 345,
}

export const REQUEST_ID = '017f22e2-79b0-7cc3-98c4-dc0c0c07398f'

/** An exchange of which only the facts that telemetry reads are there. */
export function madeExchange(request: Partial<typeof REQUEST> = {}, startedAt = 1000): Exchange {
  const ex = new Exchange({ ...REQUEST, ...request } as unknown as Downstream, startedAt, REQUEST_ID, 0)
  ex.traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00'
  return ex
}

export function madeAttempt(number: number, head: HeadVerdict, startedAt = 1000): Attempt {
  const at = new Attempt(number, 'orders', startedAt)
  at.endpoint = 'http://10.0.0.1:8080'
  at.head = head
  return at
}

export const OK: HeadVerdict = GOOD
