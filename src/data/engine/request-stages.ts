import type { Exchange } from '../../core/exchange.ts'
import type { BodyStage } from '../../core/policy.ts'
import { isRefusal, type Refusal } from '../../core/verdict.ts'
import type { Chain } from './chain.ts'
import type { RequestBody } from './replay.ts'

/** Passes the request body through the policies that read it, before anything is kept for another attempt. */
export class RequestStages {
  private readonly stages: readonly BodyStage[]
  private readonly body: RequestBody

  constructor(ex: Exchange, chain: Chain, body: RequestBody) {
    this.stages = chain.hooks.requestBody.flatMap((place) => chain.policies[place]?.requestBody?.(ex) ?? [])
    this.body = body
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
        const refusal = isRefusal(rest) ? rest : this.pass(rest, i + 1)
        if (refusal !== undefined) return refusal
      } catch (error) {
        return asError(error)
      }
    }
    return undefined
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
      if (isRefusal(out)) return out
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
