import { join } from 'node:path'
import { type Answer, OF_SLUICE, type Unavailable } from '../core/link.ts'
import type { MetricSink } from '../core/metric.ts'
import type { Gauges } from '../core/series.ts'
import { STORE_NAMES, type Store, type StoreName } from '../core/store.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { SendCall } from './calls/call.ts'
import { StoreClient } from './calls/client.ts'
import { Hints } from './calls/hints.ts'
import { type FromAnyStore, HINT, type StoreHint, TO_STORE, type ToAnyStore } from './calls/remote.ts'
import { KeptState } from './kept-state.ts'
import { measured } from './measured.ts'
import { MemoryStore } from './memory/memory-store.ts'
import type { NotOpened } from './sqlite/messages.ts'
import { SqliteStore, sqliteEntry } from './sqlite/sqlite-store.ts'

/** In the folder of the gateway. */
const STATE_FILE = 'state.db'
const STATE_BYTES = 512 * 1_048_576
const MEMORY_BYTES = 64 * 1_048_576
const DEADLINE_MS = 5000
/** A line of the log at most as often. */
const FULL_MS = 60_000

export interface StoresOptions {
  /** Of the gateway: where what outlives the process is kept; undefined: nothing does, and nothing is missed. */
  readonly folder: string | undefined
  readonly metrics: MetricSink
  readonly clock: Clock
  readonly log: Log
}

/** What operators see of a store. */
export interface StoreFacts {
  readonly name: StoreName
  readonly engine: 'sqlite' | 'memory'
  /** It outlives the process. */
  readonly durable: boolean
  readonly up: boolean
  readonly bytes: number
}

/** The gateway itself, as a user of stores. */
export const GATEWAY = 'gateway'

interface Opened {
  readonly engine: SqliteStore | MemoryStore
  readonly send: SendCall
  readonly hints: Hints
}

/** The stores of a gateway, by name. */
export class Stores {
  /** What is read at each scrape. */
  readonly gauges: Gauges
  /** What operators have ordered. */
  readonly kept: KeptState
  /** See {@link StoresOptions}. */
  readonly folder: string | undefined
  private readonly opened: Readonly<Record<StoreName, Opened>>

  private constructor(opened: Readonly<Record<StoreName, Opened>>, { clock, folder, log }: StoresOptions) {
    this.opened = opened
    this.folder = folder
    this.kept = new KeptState({ store: this.durable ? this.of('state', GATEWAY) : undefined, clock, log })
    this.gauges = {
      sluice_store_up: () =>
        this.facts().map(({ engine, name, up }) => ({ labels: [name, engine], value: up ? 1 : 0 })),
      sluice_store_bytes: () => this.facts().map(({ bytes, name }) => ({ labels: [name], value: bytes })),
      sluice_store_evicted_total: () =>
        STORE_NAMES.flatMap((name) => {
          const { engine } = opened[name]
          return engine instanceof MemoryStore ? [{ labels: [name], value: engine.evicted }] : []
        }),
    }
  }

  /**
   * Opens them. If the file of `state` cannot be opened, it is in memory for as long as the process lives, and a warning
   * says why.
   */
  static async open(options: StoresOptions): Promise<Stores> {
    const { clock } = options
    const memory = (): MemoryStore => new MemoryStore({ bytes: MEMORY_BYTES, clock })
    const state = openedOf('state', (await durable(options)) ?? memory(), options)
    const stores = new Stores({ state, memory: openedOf('memory', memory(), options) }, options)
    await stores.kept.load()
    return stores
  }

  /** A store as its user has it: it sees its own keys and topics only. `user`: {@link GATEWAY}, or a `featureUser`. */
  of(name: StoreName, user: string): Store {
    const { hints, send } = this.opened[name]
    return new StoreClient(send, hints, user)
  }

  /** Whether `state` outlives the process. */
  get durable(): boolean {
    return this.opened.state.engine instanceof SqliteStore
  }

  /** What answers a question of workers; undefined: it is not one to a store. */
  answerTo(question: string): Answer | undefined {
    return question === TO_STORE ? (this.answer as Answer) : undefined
  }

  /** Tells all workers each hint. */
  follow(workers: { command(feature: string, name: string, hint: StoreHint): unknown }): void {
    for (const store of STORE_NAMES)
      this.opened[store].hints.follow((topic, hint) => void workers.command(OF_SLUICE, HINT, { store, topic, hint }))
  }

  private readonly answer = (asked: ToAnyStore): Promise<FromAnyStore | Unavailable> => {
    const { hints, send } = this.opened[asked.store]
    return 'call' in asked ? send(asked.call) : hints.publish(asked.topic, asked.hint)
  }

  facts(): readonly StoreFacts[] {
    return STORE_NAMES.map((name) => {
      const { engine } = this.opened[name]
      const { bytes } = engine
      return engine instanceof SqliteStore
        ? { name, engine: 'sqlite', durable: true, up: engine.isUp, bytes }
        : { name, engine: 'memory', durable: false, up: true, bytes }
    })
  }

  /** Writes what was asked before. Calls that come later are `gone`. */
  async close(): Promise<void> {
    const { engine } = this.opened.state
    this.kept.close()
    if (engine instanceof SqliteStore) await engine.close()
  }
}

/** The file of `state` in the folder of a gateway. */
export function stateFile(folder: string): string {
  return join(folder, STATE_FILE)
}

/** What a gateway that does not run keeps for itself in `state`. Rejects with what is wrong, for operators. */
export async function openState(
  file: string,
  { clock, log }: Pick<StoresOptions, 'clock' | 'log'>,
): Promise<{ readonly store: Store; close(): Promise<void> }> {
  const engine = await opened(file, { clock, log })
  if ('refused' in engine) throw new Error(engine.message)
  const hints = new Hints(() => {})
  const store = new StoreClient(engine.send, hints, GATEWAY)
  return { store, close: () => engine.close() }
}

function opened(file: string, { clock, log }: Pick<StoresOptions, 'clock' | 'log'>): Promise<SqliteStore | NotOpened> {
  return SqliteStore.open({ file, bytes: STATE_BYTES, deadlineMs: DEADLINE_MS, entry: sqliteEntry(), clock, log })
}

async function durable({ clock, folder, log }: StoresOptions): Promise<SqliteStore | undefined> {
  if (folder === undefined) return undefined
  const file = stateFile(folder)
  const store = await opened(file, { clock, log })
  if (!('refused' in store)) return store
  log.warn(
    'the state store cannot be opened: history, kept requests, drains and forced breakers end with this process',
    { file, why: store.message },
  )
  return undefined
}

function openedOf(name: StoreName, engine: SqliteStore | MemoryStore, options: StoresOptions): Opened {
  const { clock, log, metrics } = options
  let due = 0
  const failed = ({ unavailable }: Unavailable): void => {
    if (unavailable !== 'full' || clock.now() < due) return
    due = clock.now() + FULL_MS
    log.warn('the store has no room: what is to be written is lost', { store: name, bytes: engine.bytes })
  }
  const broken = (topic: string, error: unknown): void =>
    log.error('bug: what listens to hints of a store failed', { store: name, topic, error })
  return { engine, send: measured(engine.send, { store: name, metrics, clock, failed }), hints: new Hints(broken) }
}
