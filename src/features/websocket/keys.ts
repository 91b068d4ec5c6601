import { object, offOr, oneOrMany, optional, withDefault } from '../../schema/composites.ts'
import { duration, size } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'
import { managedKeys } from './managed/keys.ts'
import { originPattern } from './origins.ts'

export const keys = object({
  ping: withDefault(
    offOr(duration(1000)),
    'off',
    'Silence of a side, client or upstream, after which it gets a Ping. One that is silent for as long again is taken for dead, and the WebSocket is closed. off: no Pings but those of the sides.',
  ),
  idle: withDefault(
    offOr(duration(1000)),
    'off',
    'Time without a message in either direction, Ping and Pong not counted, after which the WebSocket is closed with 1001. off: no limit.',
  ),
  maxFrame: withDefault(
    offOr(size(1024)),
    'off',
    'Largest payload of a frame from either side. A larger one closes the WebSocket with 1009. Messages may have several frames. off: no limit.',
  ),
  origins: optional(
    oneOrMany(originPattern()),
    'Origins of web pages that may open a WebSocket: exact, with * for the first labels, or a host alone for any scheme and port. Another one gets 403; without Origin, as programs ask, any may. Default: any.',
  ),
  managed: optional(
    managedKeys,
    'Sluice ends the frames of both sides itself and keeps a client when its upstream connection is lost: another one takes its place. Extensions such as permessage-deflate are not offered then. Default: off.',
  ),
})

export type WebSocketOptions = Infer<typeof keys>
