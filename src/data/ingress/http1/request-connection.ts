import type { Duplex } from 'node:stream'
import type { EventClock } from '../../../lib/event-clock.ts'
import type { ClientConnection } from '../common/client-request.ts'
import type { AnswerHeads } from './answer-heads.ts'
import type { Http1Downstream } from './downstream.ts'

/** The connection that a request came on. */
export interface RequestConnection extends ClientConnection<Http1Downstream> {
  readonly clock: EventClock
  readonly heads: AnswerHeads
  /** The client has closed its side, and still reads. */
  readonly halfClosed: boolean
  /** The stream itself, paused, with what came behind the request in front; the connection is told its close alone. */
  handOver(): Duplex
  /** Reads on, or stops reading, by what waits. */
  regulate(): void
}
