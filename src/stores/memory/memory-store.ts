import { isUnavailable, type Unavailable, unavailable } from '../../core/link.ts'
import type { StoreEntry, StorePage } from '../../core/store.ts'
import type { Clock } from '../../lib/clock.ts'
import type { StoreAnswer, StoreCall, StoreCallName } from '../calls/call.ts'
import { RowEngine } from '../calls/row-engine.ts'
import { firstVersion } from '../calls/versions.ts'
import { MemoryRows, NoRoom } from './memory-rows.ts'

/** Of all bytes; leases are never evicted, for that would break them. */
const LEASES = 1 / 8

export interface MemoryStoreOptions {
  /** Bytes that it may take. */
  readonly bytes: number
  readonly clock: Clock
}

/** A store in the memory of its thread: bounded, the oldest entries make room. Gone with the process. */
export class MemoryStore {
  private readonly clock: Clock
  private readonly entries: MemoryRows
  private readonly leases: MemoryRows
  private readonly engine: RowEngine

  constructor({ bytes, clock }: MemoryStoreOptions) {
    const now = (): number => clock.now()
    this.clock = clock
    this.leases = new MemoryRows({ bytes: bytes * LEASES, evicts: false, now })
    this.entries = new MemoryRows({ bytes: bytes * (1 - LEASES), evicts: true, now })
    let version = firstVersion(clock)
    this.engine = new RowEngine({ entries: this.entries, leases: this.leases, nextVersion: () => ++version })
  }

  /** Bytes that it takes. */
  get bytes(): number {
    return this.entries.bytes + this.leases.bytes
  }

  /** Entries that made room for others before they expired. */
  get evicted(): number {
    return this.entries.evicted
  }

  /** Answers at once. */
  send = async <K extends StoreCallName>(call: StoreCall<K>): Promise<StoreAnswer<K> | Unavailable> => {
    try {
      return copied(call.call, this.engine.answer(call as StoreCall, this.clock.now())) as StoreAnswer<K> | Unavailable
    } catch (error) {
      return unavailable(error instanceof NoRoom ? 'full' : 'failed')
    }
  }
}

/** Values leave as copies: what the caller does with them stays with the caller. */
function copied(name: StoreCallName, answer: StoreAnswer | Unavailable): StoreAnswer | Unavailable {
  if (answer === undefined || isUnavailable(answer)) return answer
  if (name === 'get') return copy(answer as StoreEntry)
  if (name !== 'scan') return answer
  const { after, entries } = answer as StorePage
  return { entries: entries.map(copy), after }
}

function copy<E extends StoreEntry>(entry: E): E {
  return { ...entry, value: entry.value.slice() }
}
