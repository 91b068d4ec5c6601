import type { FeatureContext } from '../../core/feature.ts'
import type { TunnelSide } from '../../core/tunnel.ts'
import { FRAME_KINDS } from './wire/frames.ts'
import type { metrics } from './words.ts'

type Sink = FeatureContext<unknown, typeof metrics>['metrics']
type Counter = ReturnType<Sink['counter']>

/** Frames and bytes from one side, over all tunnels of a route, by kind; series are made when they count first. */
export class Traffic {
  private readonly sink: Sink
  private readonly labels: readonly [route: string, from: TunnelSide]
  private readonly frameCounters: (Counter | undefined)[] = FRAME_KINDS.map(() => undefined)
  private readonly byteCounters: (Counter | undefined)[] = FRAME_KINDS.map(() => undefined)

  constructor(sink: Sink, route: string, from: TunnelSide) {
    this.sink = sink
    this.labels = [route, from]
  }

  frame(kind: number): void {
    let counter = this.frameCounters[kind]
    if (counter === undefined) {
      counter = this.sink.counter('sluice_websocket_frames_total', [...this.labels, FRAME_KINDS[kind] as string])
      this.frameCounters[kind] = counter
    }
    counter.inc()
  }

  payload(kind: number, bytes: number): void {
    if (bytes === 0) return
    let counter = this.byteCounters[kind]
    if (counter === undefined) {
      counter = this.sink.counter('sluice_websocket_payload_bytes_total', [...this.labels, FRAME_KINDS[kind] as string])
      this.byteCounters[kind] = counter
    }
    counter.inc(bytes)
  }
}
