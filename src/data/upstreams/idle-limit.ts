/** Closings in a row that must agree; a restart of the peer closes connections of any age. */
const AGREEING = 5
/** Closings within this time count once, milliseconds. */
const APART_MS = 1_000
/** A peer that closes right after an answer has another reason than idleness, milliseconds. */
const LEAST_MS = 200
/** How far apart ages may be: peers check their connections only at intervals. */
const SHARE = 0.25
const SLACK_MS = 250

/**
 * Learns from the connections that end while they are idle, before Sluice would close them, after which time a peer ends
 * them. Times in milliseconds.
 */
export class IdleLimit {
  private readonly keepAliveMs: number
  private age = 0
  private agreeing = 0
  private countedAt = Number.NEGATIVE_INFINITY

  /** `keepAliveMs`: when Sluice would close one. */
  constructor(keepAliveMs: number) {
    this.keepAliveMs = keepAliveMs
  }

  /** One ended at `now` that had been idle since `since`. Returns the peer's limit, once it is certain. */
  closed(since: number, now: number): number | undefined {
    const age = now - since
    const isOurs = age > this.keepAliveMs - SLACK_MS && age > this.keepAliveMs * (1 - SHARE)
    if (age < LEAST_MS || isOurs || now - this.countedAt < APART_MS) return undefined
    this.countedAt = now
    const agrees = Math.abs(age - this.age) <= Math.max(SLACK_MS, this.age * SHARE)
    this.agreeing = agrees ? this.agreeing + 1 : 1
    // The shortest one counts.
    this.age = agrees ? Math.min(this.age, age) : age
    return this.agreeing >= AGREEING ? this.age : undefined
  }
}
