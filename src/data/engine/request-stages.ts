import type { Exchange } from '../../core/exchange.ts'
import type { BodyStage, Policy } from '../../core/policy.ts'
import { isRefusal, type Refusal } from '../../core/verdict.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Chain } from './chain.ts'
import type { RequestBody } from './replay.ts'

/** Passes the request body through the policies that read it, before anything is kept for another attempt. */
export class RequestStages {
  private readonly stages: readonly BodyStage[]
  /** Which policy each is of. */
  private readonly names: readonly string[]
  private readonly ex: Exchange
  private readonly body: RequestBody
  private readonly clock: Pick<Clock, 'now'>

  constructor(ex: Exchange, chain: Chain, body: RequestBody, clock: Pick<Clock, 'now'>) {
    const found = chain.hooks.requestBody.flatMap((place) => {
      const policy = chain.policies[place] as Policy
      const stage = policy.requestBody?.(ex)
      return stage === undefined ? [] : [{ name: policy.name, stage }]
    })
    this.stages = found.map(({ stage }) => stage)
    this.names = found.map(({ name }) => name)
    this.ex = ex
    this.body = body
    this.clock = clock
  }

  get changesLength(): boolean {
    return this.stages.some((stage) => stage.changesLength)
  }

  /** A refusal ends the exchange; an Error is a bug of a stage. */
  push(chunk: Buffer): Refusal | Error | undefined {
    return this.pass(chunk, 0)
  }

  /** The body is over: stages pass on what they held back. */
  end(): Refusal | Error | undefined {
    for (let i = 0; i < this.stages.length; i++) {
      try {
        const rest = this.stages[i]?.end()
        if (rest === undefined) continue
        const refusal = isRefusal(rest) ? this.refused(rest, i) : this.pass(rest, i + 1)
        if (refusal !== undefined) return refusal
      } catch (error) {
        return asError(error)
      }
    }
    return undefined
  }

  private refused(refusal: Refusal, by: number): Refusal {
    this.ex.refused(this.clock, this.names[by] as string, refusal.reason, 'enforce')
    return refusal
  }

  private pass(chunk: Buffer, from: number): Refusal | Error | undefined {
    const stage = this.stages[from]
    if (stage === undefined) {
      this.body.onChunk(chunk)
      return undefined
    }
    try {
      const out = stage.push(chunk)
      if (out === undefined) return undefined
      if (Buffer.isBuffer(out)) return this.pass(out, from + 1)
      if (isRefusal(out)) return this.refused(out, from)
      for (const part of out as readonly Buffer[]) {
        const refusal = this.pass(part, from + 1)
        if (refusal !== undefined) return refusal
      }
      return undefined
    } catch (error) {
      return asError(error)
    }
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
