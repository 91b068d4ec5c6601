import { http } from '../../../lib/node-http.ts'

/** Where node:http's events of a request go. */
interface BodyEvents {
  onData(chunk: Buffer): void
  onEnd(): void
}

/** Where those of an answer go. */
interface AnswerEvents {
  onDrain(): void
  onClose(): void
}

/** node:http's request and answer with the way back to their downstream, so that listeners need no closures. */
export class Incoming extends http.IncomingMessage {
  /** Not `body`: that is where frameworks put what they have parsed. */
  sluiceBody: BodyEvents | undefined = undefined
}

export class Outgoing extends http.ServerResponse<Incoming> {
  downstream: AnswerEvents | undefined = undefined
}
