import { isUnavailable, type Unavailable, unavailable } from '../../core/link.ts'
import {
  type Conflict,
  type LeaseRefused,
  type PutOptions,
  type ScanOptions,
  STORE_BOUNDS,
  type Store,
  type StoreEntry,
  type StoreLease,
  type StorePage,
  type Written,
} from '../../core/store.ts'
import type { ArgsOf, ResultOf, StoreOperationName } from '../../core/store-operations.ts'
import {
  isKey,
  isText,
  isWithinBounds,
  type SendCall,
  type StoreAnswer,
  type StoreCall,
  type StoreCallName,
} from './call.ts'

/** Carries hints between those who publish and those who subscribe. */
export interface HintCarrier {
  publish(topic: string, hint: string): Promise<true | Unavailable>
  subscribe(topic: string, heard: (hint: string) => void): () => void
}

/** A store as its users have it, wherever its engine is. */
export class StoreClient implements Store {
  private readonly engine: SendCall
  private readonly hints: HintCarrier
  private readonly prefix: string

  /** `user`: begins all keys and topics; it does not see that, nor what others keep. Empty: sees all. */
  constructor(engine: SendCall, hints: HintCarrier, user: string) {
    this.engine = engine
    this.hints = hints
    this.prefix = user === '' ? '' : `${user}/`
  }

  get(key: string): Promise<StoreEntry | undefined | Unavailable> {
    return this.send({ call: 'get', key: this.full(key) })
  }

  put(key: string, value: Uint8Array, options: PutOptions = {}): Promise<Written | Conflict | Unavailable> {
    // A copy of these bytes alone: the caller may change them, and a Buffer is often a part of a larger one, which would
    // travel as a whole.
    return this.send({ call: 'put', key: this.full(key), value: new Uint8Array(value), ...options })
  }

  touch(key: string, ttlMs: number | undefined): Promise<boolean | Unavailable> {
    return this.send({ call: 'touch', key: this.full(key), ttlMs })
  }

  delete(key: string, ifVersion?: number): Promise<boolean | Conflict | Unavailable> {
    return this.send({ call: 'delete', key: this.full(key), ifVersion })
  }

  async scan(prefix: string, { after, limit }: ScanOptions): Promise<StorePage | Unavailable> {
    const own = this.prefix
    const from = after === undefined ? {} : { after: own + after }
    const page = await this.send({ call: 'scan', prefix: own + prefix, limit, ...from })
    if (own === '' || isUnavailable(page)) return page
    return {
      entries: page.entries.map((entry) => ({ ...entry, key: entry.key.slice(own.length) })),
      after: page.after?.slice(own.length),
    }
  }

  async lease(key: string, owner: string, ttlMs: number): Promise<StoreLease | LeaseRefused | Unavailable> {
    const full = this.full(key)
    const answer = await this.send({ call: 'lease', key: full, owner, ttlMs })
    if (!('fence' in answer)) return answer
    const { fence } = answer
    return {
      fence,
      renew: (ms) => this.send({ call: 'renew', key: full, fence, ttlMs: ms }),
      release: () => this.send({ call: 'release', key: full, fence }),
    }
  }

  async run<K extends StoreOperationName>(
    operation: K,
    keys: readonly string[],
    args: ArgsOf<K>,
  ): Promise<ResultOf<K> | Unavailable> {
    const full = keys.map((key) => this.full(key))
    return (await this.send({ call: 'run', operation, keys: full, args })) as ResultOf<K> | Unavailable
  }

  async publish(topic: string, hint: string): Promise<true | Unavailable> {
    const full = this.full(topic)
    return isKey(full) && isText(hint, STORE_BOUNDS.hint) ? this.hints.publish(full, hint) : unavailable('refused')
  }

  subscribe(topic: string, heard: (hint: string) => void): () => void {
    return this.hints.subscribe(this.full(topic), heard)
  }

  /** An empty key stays one, and is refused. */
  private full(key: string): string {
    return key === '' ? '' : this.prefix + key
  }

  private async send<K extends StoreCallName>(call: StoreCall<K>): Promise<StoreAnswer<K> | Unavailable> {
    return isWithinBounds(call as StoreCall) ? this.engine(call) : unavailable('refused')
  }
}
