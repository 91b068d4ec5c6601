import type { Exchange } from '../../core/exchange.ts'
import type { PureContext, PureFeature } from '../../core/feature.ts'
import type { BodyStage, Policy } from '../../core/policy.ts'
import type { Refusal } from '../../core/verdict.ts'
import { byKind, mapped, object, required, withDefault } from '../../schema/composites.ts'
import { oneOf, size } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'

const keys = object({
  max: required(size(0), 'Largest body of a request, in bytes.'),
  mode: withDefault(oneOf('enforce', 'shadow'), 'enforce', 'shadow: counts what it would refuse, and refuses nothing.'),
})

export type BodyLimitOptions = Infer<typeof keys>

/** Bounds the bodies of requests: by their announced length before anything is sent, else while they come. */
export const bodyLimit: PureFeature<BodyLimitOptions> = {
  name: 'bodyLimit',
  doc: 'Bounds the bodies of requests.',
  pure: true,
  keys: {
    route: byKind({
      scalar: mapped(size(0), (max): BodyLimitOptions => ({ max, mode: 'enforce' })),
      map: keys,
    }),
  },
  places: {
    body: { stage: 40, why: 'The client is known by now, and no byte of the body was asked for.' },
  },
  compile: (options, context) => ({ body: new BodyLimit(options, context) }),
}

class BodyLimit implements Policy {
  readonly name: string
  readonly max: number
  private readonly enforces: boolean
  private readonly refusal: Refusal
  private readonly shadow: PureContext['shadow']

  constructor({ max, mode }: BodyLimitOptions, { feature, shadow }: PureContext) {
    this.name = feature
    this.max = max
    this.enforces = mode === 'enforce'
    this.shadow = shadow
    this.refusal = {
      reason: 'body_too_large',
      phase: 'request',
      origin: 'client',
      detail: `Bodies of requests are limited to ${max} bytes here.`,
    }
  }

  admit(ex: Exchange): Refusal | undefined {
    return ex.downstream.contentLength > this.max ? this.tooLarge(ex) : undefined
  }

  /** A body of a known length was judged by it: framing lets no more come. */
  requestBody(ex: Exchange): BodyStage | undefined {
    return ex.downstream.contentLength >= 0 ? undefined : new Counting(this, ex)
  }

  /** The limit is passed: undefined in mode shadow. */
  tooLarge(ex: Exchange): Refusal | undefined {
    if (this.enforces) return this.refusal
    this.shadow(ex, this.refusal.reason)
    return undefined
  }
}

/** Counts a body that does not say how long it is. */
class Counting implements BodyStage {
  readonly changesLength = false
  private readonly owner: BodyLimit
  private readonly ex: Exchange
  private left: number

  constructor(owner: BodyLimit, ex: Exchange) {
    this.owner = owner
    this.ex = ex
    this.left = owner.max
  }

  push(chunk: Buffer): Buffer | Refusal {
    const before = this.left
    this.left -= chunk.length
    // In mode shadow it is told once.
    const refusal = before >= 0 && this.left < 0 ? this.owner.tooLarge(this.ex) : undefined
    return refusal ?? chunk
  }

  end(): undefined {
    return undefined
  }
}
