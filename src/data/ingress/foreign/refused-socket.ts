import type { Socket } from 'node:net'
import type { Failure } from '../../../core/failures.ts'
import type { WholeReply } from '../../../core/verdict.ts'
import { ClientSocket } from '../accept/client-socket.ts'
import type { Arrival } from '../accept/peek.ts'
import { type ConnectionHost, NOTHING_SEEN } from '../common/host.ts'

/** A connection of another protocol: its client is told so, and it is closed. */
export class RefusedSocket extends ClientSocket<Socket, ConnectionHost> {
  protected readonly busy = false
  private readonly failure: Failure
  private readonly words: (answer: WholeReply) => Buffer

  /** `words`: what the client understands. */
  constructor(
    host: ConnectionHost,
    socket: Socket,
    { life }: Arrival,
    failure: Failure,
    words: (answer: WholeReply) => Buffer,
  ) {
    super(host, socket, life)
    this.failure = failure
    this.words = words
    socket.on('error', ignore)
  }

  start(): void {
    this.turnAway(this.failure)
  }

  turnAway(failure: Failure): void {
    const { handler, fault } = this.host
    if (failure.rule !== undefined) fault(failure.rule)
    const answer = handler.malformed(this.peer, failure, NOTHING_SEEN)
    if (answer !== undefined) this.socket.write(this.words(answer))
    this.end()
  }
}

/** The close that follows says all. */
function ignore(): void {}
