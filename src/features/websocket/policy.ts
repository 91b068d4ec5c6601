import type { Exchange } from '../../core/exchange.ts'
import type { Policy } from '../../core/policy.ts'
import type { TunnelStage } from '../../core/tunnel.ts'
import type { Refusal } from '../../core/verdict.ts'
import { fieldValues } from '../../lib/headers.ts'
import { type OriginPattern, Origins } from './origins.ts'
import { WebSocketStage } from './stage.ts'
import type { Watch } from './watch.ts'

export const WEBSOCKET = 'websocket'

const FOREIGN: Refusal = {
  reason: 'forbidden',
  phase: 'auth',
  origin: 'client',
  detail: 'Pages of this origin may not open a WebSocket here.',
}

/** Browsers let any page open a WebSocket, with the cookies of the user: the server has to ask from where. */
export class OriginCheck implements Policy {
  readonly name: string
  private readonly origins: Origins

  constructor(name: string, patterns: readonly OriginPattern[]) {
    this.name = name
    this.origins = new Origins(patterns)
  }

  admit(ex: Exchange): Refusal | undefined {
    if (ex.upgrade !== WEBSOCKET) return undefined
    // Of two fields neither is the browser's: joined they are no origin.
    const origin = fieldValues(ex.headers, 'origin')
    return origin === '' || this.origins.has(origin) ? undefined : FOREIGN
  }
}

/** Gives each WebSocket of a route its stage. */
export class FrameWatch implements Policy {
  readonly name: string
  private readonly watch: Watch

  constructor(name: string, watch: Watch) {
    this.name = name
    this.watch = watch
  }

  tunnel(ex: Exchange): TunnelStage | undefined {
    return ex.upgrade === WEBSOCKET ? new WebSocketStage(this.watch, ex) : undefined
  }
}
