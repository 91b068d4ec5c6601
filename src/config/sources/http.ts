import type { Clock, ClockHandle } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Random } from '../../lib/random.ts'
import { CallGuard } from '../../stores/guard.ts'
import type { MachineFence } from '../judge/machine-use.ts'
import { type ConfigFetch, type FetchedConfig, fetchConfig, unsigned } from './fetch-config.ts'
import { FetchFailure } from './fetch-text.ts'
import type { ConfigSource, SourceFacts, SourceProblem, SourceTexts } from './source.ts'
import { sourceName } from './url.ts'

/** Before the next look after a failure; doubled with each. Short: a publisher may be between text and signature. */
const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 60_000
/** A server may ask for a longer wait, but not for any. */
const MOST_ASKED_MS = 600_000
/** Waits differ by this share: the gateways of a fleet do not ask at once. */
const JITTER = 0.2
/** Failures within it hold further questions back for the time after, whatever asks. */
const GUARD_WINDOW_MS = 60_000
const GUARD_OPEN_MS = 10_000

export interface HttpSourceOptions extends ConfigFetch {
  /** Milliseconds between two looks. */
  readonly every: number
  readonly fence: MachineFence
  readonly clock: Clock
  readonly random: Random
  readonly log: Pick<Log, 'info' | 'warn'>
}

/** A config behind a URL: one text, looked at periodically. */
export class HttpSource implements ConfigSource {
  readonly kind = 'http'
  readonly name: string
  readonly main: string
  readonly folder: string
  readonly fence: MachineFence
  private readonly options: HttpSourceOptions
  private stop = new AbortController()
  private readonly failures: Record<string, number> = {}
  /** While it is watched. */
  private guard: CallGuard<void> | undefined = undefined
  private got: FetchedConfig | undefined = undefined
  private looking: Promise<FetchFailure | undefined> | undefined = undefined
  private failure: FetchFailure | undefined = undefined
  /** Failures since it could be read. */
  private inRow = 0
  private problem: SourceFacts['problem'] = undefined
  private checkedAt: string | undefined = undefined
  private readAt: string | undefined = undefined
  /** What the latest look found is still to be loaded. */
  private fresh = false
  /** The latest load gave a problem: the same text is a change then. */
  private owed = false

  constructor(options: HttpSourceOptions) {
    const { fence, url } = options
    this.options = options
    this.name = sourceName(url)
    this.main = this.name
    this.fence = fence
    this.folder = fence.files ?? '/'
  }

  async load(): Promise<SourceTexts | SourceProblem> {
    const failure = this.fresh ? undefined : await this.look()
    this.fresh = false
    this.owed = failure !== undefined
    return failure === undefined ? { documents: this.got?.documents ?? {} } : { problem: failure.message }
  }

  /** As in {@link ConfigSource}, for one at a time: looks that run end with it. */
  watch(changed: () => Promise<void>): () => void {
    const { clock } = this.options
    const guard = new CallGuard<void>({
      call: () => this.fetched(),
      window: GUARD_WINDOW_MS,
      openFor: GUARD_OPEN_MS,
      onFailure: (error) => this.failed(error),
    })
    this.guard = guard
    let closed = false
    let timer: ClockHandle
    const tick = async (): Promise<void> => {
      const before = this.got?.sha256
      const failure = await this.look()
      if (closed) return
      // Still fresh: it was told of, and other attempts were in the way.
      if (failure === undefined && (this.got?.sha256 !== before || this.owed || this.fresh)) {
        this.fresh = true
        await changed()
      }
      if (!closed) timer = clock.after(this.wait(), tick)
    }
    timer = clock.after(this.wait(), tick)
    return () => {
      closed = true
      clock.cancel(timer)
      this.stop.abort(new FetchFailure('unreachable', 'the gateway ends'))
      this.stop = new AbortController()
      this.guard = undefined
      guard.close()
    }
  }

  verify(documents: SourceTexts['documents']): string | undefined {
    return unsigned(documents, this.name, this.options.keys)
  }

  get facts(): SourceFacts {
    const { checkedAt, failures, got, problem, readAt } = this
    return { checkedAt, readAt, etag: got?.etag, sha256: got?.sha256, signer: got?.signer, problem, failures }
  }

  /** Milliseconds before the next look. */
  private wait(): number {
    const { every, random } = this.options
    const spread = 1 + JITTER * (random.float() - 0.5)
    if (this.inRow === 0) return every * spread
    const doubled = FIRST_RETRY_MS * 2 ** Math.min(this.inRow - 1, 30)
    const asked = Math.min(this.failure?.retryAfterMs ?? 0, MOST_ASKED_MS) * (1 + JITTER * random.float())
    return Math.max(asked, Math.min(doubled, Math.max(every, LAST_RETRY_MS)) * spread)
  }

  /** Looks at the text; looks that come together are one. What is wrong; undefined: nothing. */
  private look(): Promise<FetchFailure | undefined> {
    this.looking ??= this.once().finally(() => {
      this.looking = undefined
    })
    return this.looking
  }

  private async once(): Promise<FetchFailure | undefined> {
    this.failure = undefined
    await (this.guard?.run() ?? this.fetched()).catch((error: Error) => this.failed(error))
    this.checkedAt = new Date(this.options.clock.wall()).toISOString()
    if (this.failure === undefined) this.succeeded(this.checkedAt)
    else this.told(this.failure, this.checkedAt)
    return this.failure
  }

  private async fetched(): Promise<void> {
    this.got = await fetchConfig(this.options, this.got, this.stop.signal)
  }

  private failed(error: Error): void {
    const held = 'it was not asked again: it has failed too often in the last minute'
    this.failure = error instanceof FetchFailure ? error : new FetchFailure('held_back', held)
  }

  private succeeded(at: string): void {
    if (this.problem !== undefined) this.options.log.info('the config source can be read again', { source: this.name })
    this.problem = undefined
    this.inRow = 0
    this.readAt = at
  }

  private told({ message, reason }: FetchFailure, at: string): void {
    const { log } = this.options
    if (this.problem?.reason !== reason)
      log.warn('the config source cannot be read, what is live stays', { source: this.name, reason, problem: message })
    this.problem = { reason, text: message, since: this.problem?.since ?? at }
    this.inRow++
    this.failures[reason] = (this.failures[reason] ?? 0) + 1
  }
}
