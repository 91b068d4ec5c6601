import type { FeatureContext } from '../../core/feature.ts'
import type { TunnelSide } from '../../core/tunnel.ts'
import { FRAME_KINDS } from './wire/frames.ts'
import type { metrics } from './words.ts'

type Sink = FeatureContext<unknown, typeof metrics>['metrics']
type Counter = ReturnType<Sink['counter']>
/** By kind. */
type Known = (Counter | undefined)[]

/** Frames and bytes from one side, over all tunnels of a route, by kind; series are made when they count first. */
export class Traffic {
  private readonly sink: Sink
  private readonly labels: readonly [route: string, from: TunnelSide]
  private readonly frames: Known = []
  private readonly bytes: Known = []

  constructor(sink: Sink, route: string, from: TunnelSide) {
    this.sink = sink
    this.labels = [route, from]
  }

  frame(kind: number): void {
    this.counter(this.frames, 'sluice_websocket_frames_total', kind).inc()
  }

  payload(kind: number, bytes: number): void {
    if (bytes > 0) this.counter(this.bytes, 'sluice_websocket_payload_bytes_total', kind).inc(bytes)
  }

  private counter(known: Known, name: Parameters<Sink['counter']>[0], kind: number): Counter {
    known[kind] ??= this.sink.counter(name, [...this.labels, FRAME_KINDS[kind] as string])
    return known[kind]
  }
}
