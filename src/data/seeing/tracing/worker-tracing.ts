import type { Exchange } from '../../../core/exchange.ts'
import type { FromWorker } from '../../../core/protocol.ts'
import type { SamplingConfig } from '../../../core/seeing-config.ts'
import { packRecord, type SpanDrop } from '../../../core/spans.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Random } from '../../../lib/random.ts'
import { SpanOutbox } from './outbox.ts'
import { attemptsSent, type RecordFacts, recordOf } from './records.ts'
import type { RequestTrace } from './request-trace.ts'
import { type Held, TraceSampler } from './sampler.ts'

/** Spans in a worker: which requests are recorded and handed to the control plane, which alone exports. */
export class WorkerTracing {
  readonly outbox: SpanOutbox
  private readonly dropped: (reason: SpanDrop, spans: number) => void
  private readonly clock: Clock
  private readonly random: Random
  private readonly held: Held = { count: 0, full: () => this.dropped('tail_full', 1) }

  constructor(
    dropped: (reason: SpanDrop, spans: number) => void,
    clock: Clock,
    random: Random,
    post: (message: FromWorker) => void,
  ) {
    this.dropped = dropped
    this.clock = clock
    this.random = random
    this.outbox = new SpanOutbox(post, clock)
  }

  /** How a config generation samples; undefined: nothing is recorded. */
  sampler(config: SamplingConfig | undefined): TraceSampler | undefined {
    return config && new TraceSampler(config, this.random, this.held)
  }

  /** Once per exchange with a trace, at its end. `pattern`: of the path, computed only if needed. */
  finish(
    ex: Exchange,
    facts: Omit<RecordFacts, 'epoch' | 'pattern' | 'random'>,
    pattern: (path: string) => string | undefined,
  ): void {
    const trace = ex.trace as RequestTrace
    if (!trace.sampled) this.held.count--
    if (!trace.sampled && !hasFailed(ex, facts.status)) return
    if (this.outbox.full) {
      this.dropped('worker_full', 1 + attemptsSent(ex).length)
      return
    }
    const epoch = this.clock.wall() - this.clock.now()
    const record = recordOf(ex, trace, { ...facts, epoch, pattern: pattern(ex.path), random: this.random })
    this.outbox.put(packRecord(record))
  }
}

/** A client's own fault does not count: only what it could not help, and what a fallback hid. */
function hasFailed({ degraded, failure }: Exchange, status: number): boolean {
  if (status >= 500 || degraded !== undefined) return true
  return failure !== undefined && failure.origin !== 'client' && status < 400
}
