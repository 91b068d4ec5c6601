/** So many closings in a row must agree; a restart of the peer closes connections of any age. */
const AGREEING = 5
/** Those that come together count once, milliseconds. */
const APART_MS = 1_000
/** A peer that closes right after an answer has another reason than idleness, milliseconds. */
const LEAST_MS = 200
/** How far apart ages may be: peers look at their connections only now and then. */
const SHARE = 0.25
const SLACK_MS = 250

/**
 * Finds out from the connections that end while they are idle, before we would close them, after which time a peer ends
 * them. Times in milliseconds.
 */
export class IdleLimit {
  private readonly keepAliveMs: number
  private age = 0
  private agreeing = 0
  private countedAt = Number.NEGATIVE_INFINITY

  /** `keepAliveMs`: when we would close one. */
  constructor(keepAliveMs: number) {
    this.keepAliveMs = keepAliveMs
  }

  /** One ended at `now` that had been idle since `since`. The peer's limit, once it is certain. */
  closed(since: number, now: number): number | undefined {
    const age = now - since
    const isOurs = age > this.keepAliveMs - SLACK_MS && age > this.keepAliveMs * (1 - SHARE)
    if (age < LEAST_MS || isOurs || now - this.countedAt < APART_MS) return undefined
    this.countedAt = now
    const agrees = Math.abs(age - this.age) <= Math.max(SLACK_MS, this.age * SHARE)
    this.agreeing = agrees ? this.agreeing + 1 : 1
    // The shortest is what counts.
    this.age = agrees ? Math.min(this.age, age) : age
    return this.agreeing >= AGREEING ? this.age : undefined
  }
}
