import type { Downstream, Gone } from '../../../src/core/downstream.ts'
import type { FlatHeaders } from '../../../src/lib/headers.ts'
import type { Events } from '../../kit/ingress.ts'

export interface SceneRequest {
  readonly method?: string
  readonly target?: string
  readonly headers?: FlatHeaders
  /** Bytes of body; 0: none (default), -1: not known. */
  readonly contentLength?: number
  /** Default: HTTP/1.1. */
  readonly protocol?: 'HTTP/1.0'
}

/** What the client got. */
export interface SeenAnswer {
  readonly status: number
  readonly headers: FlatHeaders
  readonly body: string
  readonly complete: boolean
  readonly trailers: FlatHeaders
  readonly informationals: readonly (readonly [number, FlatHeaders])[]
}

/** One request that reached its handler, and what a test can do at the client's end. */
export interface Scene {
  readonly downstream: Downstream
  readonly events: Events
  feed(text: string): void
  feedEnd(trailers?: FlatHeaders): void
  leave(why: Gone): void
  /** The client stops, and goes on, reading. */
  block(): void
  unblock(): void
  answer(): Promise<SeenAnswer>
}

/** Makes scenes; `stop` closes them all. */
export interface Stage {
  open(request?: SceneRequest): Promise<Scene>
  stop(): Promise<void>
}
