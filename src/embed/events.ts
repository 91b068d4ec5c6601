/** A config was loaded: it is live now, or it was refused and the one before stays. */
export interface ConfigEvent {
  readonly ok: boolean
  /** What made the gateway load it: `start`, `file`, `source`, `signal` (a call of `reload`) or `api` (a call of `apply`). */
  readonly trigger: string
  /** SHA-256 of the config that is live now, in hex. */
  readonly after: string
  /** Errors, then warnings, one line each. */
  readonly problems: readonly string[]
}

/** Something that lasts has changed: a breaker, an ejected endpoint, the health of one. */
export interface StateEvent {
  /** Name of the feature: `circuitBreaker`. */
  readonly feature: string
  /** What has changed, by name: `route`, `upstream`, `endpoint`. */
  readonly labels: Readonly<Record<string, string>>
  /** The state that it is in now. */
  readonly state: string
  /** What that means, for people. */
  readonly message: string
  /** Why it came and what follows: numbers, texts and flags of the feature. */
  readonly facts: Readonly<Record<string, string | number | boolean>>
  /** Milliseconds since the Unix epoch. */
  readonly at: number
}

/** What a gateway tells, by the name of the event. */
export interface GatewayEvents {
  readonly config: ConfigEvent
  readonly state: StateEvent
}

type Listener<E> = (event: E) => void

/** Who listens to the events of one gateway. A listener that throws is left to `failed`, and the others are told. */
export class EventListeners {
  private readonly listeners: { readonly [K in keyof GatewayEvents]: Set<Listener<GatewayEvents[K]>> } = {
    config: new Set(),
    state: new Set(),
  }
  private readonly failed: (error: unknown) => void

  constructor(failed: (error: unknown) => void) {
    this.failed = failed
  }

  on<K extends keyof GatewayEvents>(event: K, listener: Listener<GatewayEvents[K]>): () => void {
    const all = this.listeners[event]
    all.add(listener)
    return () => void all.delete(listener)
  }

  tell<K extends keyof GatewayEvents>(event: K, value: GatewayEvents[K]): void {
    for (const listener of this.listeners[event]) {
      try {
        listener(value)
      } catch (error) {
        this.failed(error)
      }
    }
  }
}
