import { IncomingMessage, ServerResponse } from 'node:http'

/** Whom node:http's events of a request and its answer are for. */
interface Listening {
  onData(chunk: Buffer): void
  onEnd(): void
  onDrain(): void
  onClose(): void
}

/** node:http's request and answer with the way back to their downstream, so that listeners need no closures. */
export class Incoming extends IncomingMessage {
  downstream: Listening | undefined = undefined
}

export class Outgoing extends ServerResponse<Incoming> {
  downstream: Listening | undefined = undefined
}
