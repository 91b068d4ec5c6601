import type { Reason } from '../../../core/failures.ts'
import { Dial, type SecureContexts } from '../../../data/upstreams/transports/dial.ts'
import { Timer, type TimerWheel } from '../../../lib/timers.ts'
import type { Check, CheckResult } from './check.ts'

/** Good: a connection opens, TLS included where the endpoint is https. */
export function tcpCheck(timers: TimerWheel, contexts: SecureContexts): Check {
  return ({ target, config }, done) => {
    const dial = new Dial(
      {
        onOpen(socket) {
          // Politely: a handshake that breaks off is an error in the server's log.
          socket.on('error', () => {})
          const cut = new Timer(() => socket.destroy())
          timers.schedule(cut, config.timeout)
          socket.on('close', () => timers.cancel(cut))
          socket.end(() => socket.destroy())
          done('ok', '')
        },
        onDialFailed: ({ reason, cause }) => done(resultOf(reason), causeText(cause)),
      },
      timers,
      ['http/1.1'],
    )
    dial.start(target, { connectTimeoutMs: config.timeout, keepAliveMs: 0 }, contexts)
    return () => dial.cancel()
  }
}

const RESULTS: Partial<Record<Reason, CheckResult>> = {
  connect_refused: 'refused',
  connect_timeout: 'timeout',
  connect_failed: 'unreachable',
  tls_error: 'tls',
  bad_response: 'bad_response',
}

/** What an attempt's failure means for a check. */
export function resultOf(reason: Reason): CheckResult {
  return RESULTS[reason] ?? 'reset'
}

export function causeText(cause: unknown): string {
  if (!(cause instanceof Error)) return ''
  return (cause as NodeJS.ErrnoException).code ?? cause.message
}
