import type { FactValue } from '../../core/decision.ts'
import { type FedValue, type FeedOut, OF_SLUICE } from '../../core/link.ts'
import type { FromWorker, ToWorker } from '../../core/protocol.ts'
import type { Gauges } from '../../core/series.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { weighs } from '../../link/weight.ts'
import type { Part } from '../contract.ts'
import type { Conversation } from './conversation.ts'
import { FEED_STATES } from './feed-states.ts'
import type { StateFacts } from './lasting.ts'

/** Of one value. */
const MOST_BYTES = 16 * 1_048_576
/** Values that come together, at most: a larger clone stalls the loop of a worker for too long. */
const BATCH_BYTES = 1_048_576
/** Of an error, which may hold what a server sent. */
const MOST_TEXT = 500

interface Fed {
  readonly feature: string
  readonly name: string
  value: FedValue | undefined
  bytes: number
  /** undefined: it does not. `since`: milliseconds since the epoch. */
  failing: { readonly since: number; readonly error: string } | undefined
}

export interface FeedsOptions {
  readonly clock: Pick<Clock, 'wall'>
  readonly log: Log
}

/** Feeds data of features to all workers: the latest value of each, in no step with generations. */
export class Feeds implements Part, Conversation {
  readonly gauges: Gauges = {
    sluice_feed_failing: () =>
      Array.from(this.states(), ({ labels, state }) => ({ labels, value: state === 'stale' ? 1 : 0 })),
  }
  private readonly options: FeedsOptions
  private readonly feeds = new Map<string, Fed>()
  private readonly readers = new Map<number, Reader>()
  private latest = 0

  constructor(options: FeedsOptions) {
    this.options = options
  }

  /** Where the values of a feed go. */
  of<T>(feature: string, name: string): FeedOut<T> {
    return {
      publish: (value) => this.publish(this.fed(feature, name), value),
      failed: (error) => this.failed(this.fed(feature, name), error),
      end: () => this.drop(feature, name),
    }
  }

  /** A config goes live without these. */
  missed(feeds: readonly string[]): void {
    if (feeds.length > 0)
      this.options.log.warn('a config goes live without feeds that it needs', { feeds: [...new Set(feeds)] })
  }

  /** How those of features are. */
  *states(): Generator<StateFacts> {
    for (const { failing, feature, name, value } of this.feeds.values()) {
      if (feature === OF_SLUICE) continue
      const [labels, state] = [[feature, name], failing === undefined ? 'fresh' : 'stale'] as const
      const facts = { error: failing?.error ?? '', version: value?.version ?? 0 }
      const text = FEED_STATES.states[state].sentence(facts)
      yield { table: FEED_STATES, labels, state, text, since: failing?.since }
    }
  }

  /** A worker speaks. What there is goes to it ahead of any config. */
  begin(worker: number, thread: Parameters<Conversation['begin']>[1]): void {
    const reader = new Reader((message) => thread.post(message))
    this.readers.set(worker, reader)
    for (const fed of this.feeds.values()) reader.lacks(fed)
    reader.send()
  }

  /** False: the message is for others. */
  receive(worker: number, message: FromWorker): boolean {
    if (message.type !== 'fed') return false
    this.readers.get(worker)?.acknowledged()
    return true
  }

  end(worker: number): void {
    this.readers.delete(worker)
  }

  private fed(feature: string, name: string): Fed {
    const key = keyOf(feature, name)
    const known = this.feeds.get(key) ?? { feature, name, value: undefined, bytes: 0, failing: undefined }
    this.feeds.set(key, known)
    return known
  }

  private publish(fed: Fed, value: unknown): void {
    const bytes = weighs(value, MOST_BYTES)
    if (bytes > MOST_BYTES) {
      this.failed(fed, new Error(`the value has more than ${MOST_BYTES} bytes`))
      return
    }
    try {
      this.take(fed, structuredClone(value), bytes)
    } catch (error) {
      this.failed(fed, error)
    }
  }

  private take(fed: Fed, value: unknown, bytes: number): void {
    const { feature, name } = fed
    fed.value = { feature, name, version: ++this.latest, value }
    fed.bytes = bytes
    if (fed.failing !== undefined) this.tell('fresh', { feature, feed: name })
    fed.failing = undefined
    for (const reader of this.readers.values()) {
      reader.lacks(fed)
      reader.send()
    }
  }

  private failed(fed: Fed, error: unknown): void {
    const { failing, feature, name, value } = fed
    const text = (error instanceof Error ? error.message : String(error)).slice(0, MOST_TEXT)
    fed.failing = { since: failing?.since ?? this.options.clock.wall(), error: text }
    if (failing === undefined) this.tell('stale', { feature, feed: name, error: text, version: value?.version ?? 0 })
  }

  private tell(state: keyof typeof FEED_STATES.states, facts: Readonly<Record<string, FactValue>>): void {
    const { level, message } = FEED_STATES.states[state].log
    this.options.log[level](message, facts)
  }

  private drop(feature: string, name: string): void {
    const fed = this.feeds.get(keyOf(feature, name))
    if (fed === undefined) return
    fed.failing = undefined
    this.take(fed, undefined, 0)
    this.feeds.delete(keyOf(feature, name))
  }
}

/** A worker, and what it lacks. At most one value of a feed is on its way to it: of those that come meanwhile it gets the last. */
class Reader {
  private readonly post: (message: Extract<ToWorker, { type: 'feeds' }>) => void
  private readonly lacking = new Set<Fed>()
  private unacknowledged = 0

  constructor(post: Reader['post']) {
    this.post = post
  }

  lacks(fed: Fed): void {
    if (fed.value !== undefined) this.lacking.add(fed)
  }

  acknowledged(): void {
    this.unacknowledged = Math.max(0, this.unacknowledged - 1)
    this.send()
  }

  /** All that it lacks, unless it has not taken what was sent before. */
  send(): void {
    if (this.unacknowledged > 0) return
    let values: FedValue[] = []
    let bytes = 0
    const flush = (): void => {
      if (values.length === 0) return
      this.unacknowledged++
      this.post({ type: 'feeds', values })
      values = []
      bytes = 0
    }
    for (const fed of this.lacking) {
      if (bytes + fed.bytes > BATCH_BYTES) flush()
      values.push(fed.value as FedValue)
      bytes += fed.bytes
    }
    flush()
    this.lacking.clear()
  }
}

function keyOf(feature: string, name: string): string {
  return `${feature}\0${name}`
}
