import type { Exchange } from '../../core/exchange.ts'
import type { BodyStage, Policy } from '../../core/policy.ts'
import { isRefusal, type Refusal } from '../../core/verdict.ts'
import { asError } from '../../lib/as-error.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Chain } from './chain.ts'
import type { RequestBody } from './replay.ts'

interface Staged {
  readonly ex: Exchange
  /** Of its policy. */
  readonly name: string
  readonly stage: BodyStage
}

/** Passes the request body through the policies that read it, before anything is kept for another attempt. */
export class RequestStages {
  private readonly stages: Staged[] = []
  /** How many policies were asked, by exchange. */
  private readonly asked = new Map<Exchange, number>()
  private readonly body: RequestBody
  private readonly clock: Pick<Clock, 'now'>

  constructor(body: RequestBody, clock: Pick<Clock, 'now'>) {
    this.body = body
    this.clock = clock
  }

  /** Those of the policies of a route that were reached, behind those that there are; once each. */
  add(ex: Exchange, { hooks, policies }: Chain): void {
    const from = this.asked.get(ex) ?? 0
    this.asked.set(ex, ex.reached)
    for (const place of hooks.requestBody) {
      if (place < from || place >= ex.reached) continue
      const policy = policies[place] as Policy
      const stage = policy.requestBody?.(ex)
      if (stage !== undefined) this.stages.push({ ex, name: policy.name, stage })
    }
  }

  get count(): number {
    return this.stages.length
  }

  get changesLength(): boolean {
    return this.stages.some(({ stage }) => stage.changesLength)
  }

  /** What was kept of the body has passed the stages before place `from` only: it passes the others now. */
  again(from: number): Refusal | Error | undefined {
    for (const chunk of this.body.takeKept()) {
      const refusal = this.pass(chunk, from)
      if (refusal !== undefined) return refusal
    }
    return this.body.received ? this.end(from) : undefined
  }

  /** A refusal ends the exchange; an Error is a bug of a stage. */
  push(chunk: Buffer): Refusal | Error | undefined {
    return this.pass(chunk, 0)
  }

  /** The body is over: stages pass on what they held back. */
  end(from = 0): Refusal | Error | undefined {
    for (let i = from; i < this.stages.length; i++) {
      try {
        const rest = this.stages[i]?.stage.end()
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
    const { ex, name } = this.stages[by] as Staged
    ex.refused(this.clock, name, refusal.reason, 'enforce')
    return refusal
  }

  private pass(chunk: Buffer, from: number): Refusal | Error | undefined {
    if (from >= this.stages.length) {
      this.body.onChunk(chunk)
      return undefined
    }
    const { stage } = this.stages[from] as Staged
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
