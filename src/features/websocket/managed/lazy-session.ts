import type { Codec } from './framed-end.ts'
import type { Session } from './session.ts'

/** What managed WebSockets are made of. */
export interface LoadedSession {
  readonly Session: typeof Session
  readonly codec: Codec
}

/** The same in a worker: loaded when the first route that asks for it is compiled, and not before. */
export class LazySession {
  loaded: LoadedSession | undefined = undefined
  private loading: Promise<undefined> | undefined = undefined

  /** undefined: it is there. Rejects where the package `ws` cannot be read; the next call loads it again. */
  load(): Promise<undefined> | undefined {
    if (this.loaded !== undefined) return undefined
    this.loading ??= this.read()
    return this.loading
  }

  private async read(): Promise<undefined> {
    try {
      const [codec, { Session }] = await Promise.all([import('ws'), import('./session.ts')])
      this.loaded = { codec, Session }
    } finally {
      this.loading = undefined
    }
  }
}
