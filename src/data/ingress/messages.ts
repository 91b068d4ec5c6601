import { IncomingMessage, ServerResponse } from 'node:http'

/** Whom node:http's events of a request are for. */
interface BodyEvents {
  onData(chunk: Buffer): void
  onEnd(): void
}

/** Whom those of an answer are for. */
interface AnswerEvents {
  onDrain(): void
  onClose(): void
}

/** node:http's request and answer with the way back to their downstream, so that listeners need no closures. */
export class Incoming extends IncomingMessage {
  body: BodyEvents | undefined = undefined
}

export class Outgoing extends ServerResponse<Incoming> {
  downstream: AnswerEvents | undefined = undefined
}
