import type { Peer } from '../../../core/downstream.ts'
import type { BodyConnection } from '../common/client-body.ts'
import type { AnswerHeads } from './answer-heads.ts'
import type { Http1Downstream } from './downstream.ts'

/** The connection that a request came on. */
export interface RequestConnection extends BodyConnection {
  readonly peer: Peer
  readonly draining: boolean
  readonly heads: AnswerHeads
  /** The answer whose head goes out now is the last. `expected`: the client asked for that, and sends nothing more. */
  closing(expected: boolean): void
  /** The head promised that the connection stays open, but the body is not read to its end. */
  closeWhenAnswered(): void
  /** Sends FIN; the client has some time to do the same. */
  end(): void
  /** `visibly`: by a reset, where a FIN would look like the end of the answer. */
  break(visibly: boolean): void
  /** The operating system has the answer of `downstream`. */
  answered(downstream: Http1Downstream): void
  /** Reads on, or stops reading, by what waits. */
  regulate(): void
}
