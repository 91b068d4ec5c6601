/** How long a connection may be used; undefined: without end. */
export interface LifeLimits {
  /** Milliseconds. */
  readonly maxAge: number | undefined
  readonly maxRequests: number | undefined
}

export type LifeLimit = keyof LifeLimits

export const ENDLESS: LifeLimits = { maxAge: undefined, maxRequests: undefined }

/** Each limit is lower by up to this share. */
export const SPREAD = 0.1
/** Its multiples, modulo 1, lie evenly, however many there are (Knuth, volume 3, section 6.4). */
const GOLDEN = (Math.sqrt(5) - 1) / 2

/** Connections that began together, by a start or a burst, must not end together: each gets another share of the limits. */
export class Spread {
  private at = 0

  /** Above 0.9, at most 1. */
  next(): number {
    const share = 1 - SPREAD * this.at
    this.at = (this.at + GOLDEN) % 1
    return share
  }
}

/** What is left to one connection. */
export class Lifetime {
  /** Clock milliseconds. */
  readonly endsAt: number
  /** Requests. */
  left: number

  /** `share`: of {@link Spread}. It begins at `now`, clock milliseconds. */
  constructor({ maxAge = Infinity, maxRequests = Infinity }: Partial<LifeLimits>, share: number, now: number) {
    this.endsAt = now + share * maxAge
    this.left = Math.ceil(share * maxRequests)
  }

  /** The limit that is reached. */
  reached(now: number): LifeLimit | undefined {
    if (this.left <= 0) return 'maxRequests'
    return now >= this.endsAt ? 'maxAge' : undefined
  }
}
