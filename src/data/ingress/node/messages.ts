import { http } from '../../../lib/node-http.ts'

/** Where node:http's events of a request go. */
interface BodyEvents {
  onBody(chunk: Buffer): void
  onBodyEnd(): void
}

/** Where those of an answer go. */
interface AnswerEvents {
  onDrain(): void
  onClose(): void
}

/** node:http's request and answer with the way back to their downstream, so that listeners need no closures. */
export class Incoming extends http.IncomingMessage {
  downstream: BodyEvents | undefined = undefined
}

export class Outgoing extends http.ServerResponse<Incoming> {
  downstream: AnswerEvents | undefined = undefined
  /** node:http's own: the connection is closed behind it. */
  declare _last: boolean
}
