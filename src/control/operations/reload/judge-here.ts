import type { LoadDeps } from '../../../config/load-deps.ts'
import type { ConfigReading } from '../../../config/sources/reading.ts'
import type { ReadCall } from '../../../core/operation.ts'
import { Bench } from './bench.ts'
import { type Judging, type LiveConfig, notJudged, turn } from './judge.ts'
import { type Judgement, unpackConfig, type VerdictMessage } from './judged.ts'

/**
 * Judges configs in this thread, with features that no other thread can have: objects with functions. A large config blocks
 * it for as long as that takes.
 */
export class JudgeHere implements Judging {
  private readonly bench: Bench

  constructor(deps: LoadDeps) {
    this.bench = new Bench(deps)
  }

  async judge(reading: ConfigReading, good: LiveConfig): Promise<Judgement> {
    try {
      const { config, ...rest } = (await this.bench.value({ type: 'judge', reading, good })) as VerdictMessage
      return { ...rest, config: config && (await unpackConfig(config, turn)) }
    } catch (error) {
      return notJudged((error as Error).message)
    }
  }

  explain(live: LiveConfig, body: unknown): Promise<unknown> {
    return this.bench.value({ type: 'explain', live, body })
  }

  effective(live: LiveConfig, query: ReadCall['query']): Promise<unknown> {
    return this.bench.value({ type: 'effective', live, query })
  }

  async close(): Promise<void> {}
}
