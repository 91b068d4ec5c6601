import { IncomingMessage, ServerResponse } from 'node:http'
import type { NodeDownstream } from './downstream.ts'

/** node:http's request and answer with the way back to their downstream, so that listeners need no closures. */
export class Incoming extends IncomingMessage {
  downstream: NodeDownstream | undefined = undefined
}

export class Outgoing extends ServerResponse<Incoming> {
  downstream: NodeDownstream | undefined = undefined
}
