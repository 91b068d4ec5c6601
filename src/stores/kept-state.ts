import { readCommand } from '../core/command.ts'
import type { KeptMap } from '../core/kept.ts'
import { isUnavailable, type UnavailableReason } from '../core/link.ts'
import type { Store } from '../core/store.ts'
import type { Clock, ClockHandle } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Schema } from '../schema/schema.ts'

/** In the store of the gateway; then the name of the map, and the key. */
const PREFIX = 'kept/'
const PAGE = 500
/** Of all maps, as a bound of what a file may contain; operators order some. */
const MOST_LOADED = 20_000
const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 60_000

export interface KeptStateOptions {
  /** undefined: there is no place that outlives the process. */
  readonly store: Store | undefined
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'warn'>
}

type MirrorOptions = KeptStateOptions & { readonly store: Store }

/** All {@link KeptMap}s of a gateway. Loaded once, before anything reads them. */
export class KeptState {
  private readonly options: KeptStateOptions
  private readonly loaded = new Map<string, Uint8Array>()
  private readonly mirror: Mirror | undefined

  constructor(options: KeptStateOptions) {
    const { store } = options
    this.options = options
    this.mirror = store && new Mirror({ ...options, store })
  }

  /** Reads what was kept. What cannot be read does not hold, and a warning says so. */
  async load(): Promise<void> {
    const { log, store } = this.options
    if (store === undefined) return
    let after = ''
    while (this.loaded.size < MOST_LOADED) {
      const page = await store.scan(PREFIX, { limit: PAGE, ...(after !== '' && { after }) })
      if (isUnavailable(page)) {
        log.warn('what operators ordered before cannot be read, and does not hold', { reason: page.unavailable })
        return
      }
      for (const { key, value } of page.entries) this.loaded.set(key.slice(PREFIX.length), value)
      if (page.after === undefined) return
      after = page.after
    }
  }

  /** `schema`: what a value is, in JSON; others are passed over. Once per name. */
  map<T>(name: string, schema: Schema<T>): KeptMap<T> {
    const prefix = `${name}/`
    const values = new Map<string, T>()
    for (const [key, bytes] of this.loaded) {
      if (!key.startsWith(prefix)) continue
      this.loaded.delete(key)
      const value = this.read(key, schema, bytes)
      if (value !== undefined) values.set(key.slice(prefix.length), value)
    }
    return new MirroredMap(values, `${PREFIX}${prefix}`, this.mirror)
  }

  close(): void {
    this.mirror?.close()
  }

  private read<T>(key: string, schema: Schema<T>, bytes: Uint8Array): T | undefined {
    try {
      return readCommand(schema, JSON.parse(Buffer.from(bytes).toString('utf8')))
    } catch (error) {
      this.options.log.warn('a record of the store is passed over', { key, problem: (error as Error).message })
      return undefined
    }
  }
}

class MirroredMap<T> implements KeptMap<T> {
  private readonly values: Map<string, T>
  private readonly prefix: string
  private readonly mirror: Mirror | undefined

  constructor(values: Map<string, T>, prefix: string, mirror: Mirror | undefined) {
    this.values = values
    this.prefix = prefix
    this.mirror = mirror
  }

  get entries(): Iterable<readonly [string, T]> {
    return this.values
  }

  get size(): number {
    return this.values.size
  }

  get(key: string): T | undefined {
    return this.values.get(key)
  }

  set(key: string, value: T): Promise<boolean> {
    this.values.set(key, value)
    return this.write(key)
  }

  delete(key: string): Promise<boolean> {
    this.values.delete(key)
    return this.write(key)
  }

  private async write(key: string): Promise<boolean> {
    const now = (): string | undefined => {
      const value = this.values.get(key)
      return value === undefined ? undefined : JSON.stringify(value)
    }
    return (await this.mirror?.write(`${this.prefix}${key}`, now)) ?? false
  }
}

/** As a value is to be, in JSON; undefined: it is to go. */
type Now = () => string | undefined

/** Writes to the store what has changed, each key once at a time; what failed is written again until it succeeds. */
class Mirror {
  private readonly options: MirrorOptions
  /** Those who wait for the next write of a key. */
  private waiting = new Map<string, ((ok: boolean) => void)[]>()
  /** Of all keys that are to be written, or to be written again. */
  private readonly wanted = new Map<string, Now>()
  private writing = false
  private failing = false
  private closed = false
  private retry: ClockHandle = undefined
  private delay = FIRST_RETRY_MS

  constructor(options: MirrorOptions) {
    this.options = options
  }

  write(key: string, now: Now): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    this.wanted.set(key, now)
    this.waiting.set(key, [...(this.waiting.get(key) ?? []), resolve])
    void this.flush()
    return promise
  }

  close(): void {
    this.closed = true
    this.options.clock.cancel(this.retry)
  }

  private async flush(): Promise<void> {
    if (this.writing) return
    this.writing = true
    while (this.waiting.size > 0) {
      const batch = this.waiting
      this.waiting = new Map()
      await Promise.all(Array.from(batch, ([key, told]) => this.put(key, told)))
    }
    this.writing = false
    this.later()
  }

  private async put(key: string, told: readonly ((ok: boolean) => void)[]): Promise<void> {
    const { store } = this.options
    const now = this.wanted.get(key) as Now
    const text = now()
    const done = text === undefined ? await store.delete(key) : await store.put(key, Buffer.from(text))
    const reason = isUnavailable(done) ? done.unavailable : undefined
    if (reason === undefined && !this.waiting.has(key)) this.wanted.delete(key)
    this.tell(reason)
    for (const tell of told) tell(reason === undefined)
  }

  private later(): void {
    const { clock } = this.options
    clock.cancel(this.retry)
    if (this.wanted.size === 0) this.delay = FIRST_RETRY_MS
    if (this.wanted.size === 0 || this.closed) return
    this.retry = clock.after(this.delay, () => {
      for (const key of this.wanted.keys()) if (!this.waiting.has(key)) this.waiting.set(key, [])
      void this.flush()
    })
    this.delay = Math.min(this.delay * 2, LAST_RETRY_MS)
  }

  private tell(reason: UnavailableReason | undefined): void {
    const { log } = this.options
    if (reason !== undefined && !this.failing)
      log.warn('an order of an operator cannot be stored: the next process does not know of it', { reason })
    if (reason === undefined && this.failing) log.info('orders of operators are stored again')
    this.failing = reason !== undefined
  }
}
