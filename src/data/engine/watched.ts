import type { Exchange } from '../../core/exchange.ts'
import type { Policy } from '../../core/policy.ts'
import type { Ticket } from '../upstreams/pool.ts'
import type { Chain } from './chain.ts'
import { stalledFailure } from './ends.ts'
import { Pace } from './pace.ts'
import type { Run } from './request.ts'
import type { Watched } from './stalls.ts'

/** One look: a client that moved nothing for this long delays what waits for it, milliseconds. */
const STILL_MS = 1_000

/** A run that waits for its client, from the look that finds it so to the first one that does not. */
class WatchedRun implements Watched {
  readonly pace: Pace
  readonly minRate: number
  private readonly run: Run

  constructor(run: Run, minRate: number, now: number) {
    this.run = run
    this.minRate = minRate
    this.pace = new Pace(now, minRate, run.downstream.bytesOut)
  }

  get ex(): Exchange {
    return this.run.ex
  }

  get waitsForClient(): boolean {
    return waitsForClient(this.run)
  }

  get moved(): number {
    const { bytesIn, bytesOut } = this.run.downstream
    return bytesIn + bytesOut
  }

  get taken(): number {
    return this.run.downstream.bytesOut
  }

  get ticket(): Ticket | undefined {
    return this.run.attempts?.held
  }

  /**
   * Its client does not take the answer and has moved nothing for one look, or too little for longer: that is why the
   * upstream ends it, if it does now.
   */
  stalls(now: number): boolean {
    if (this.run.relay?.blocked !== true) return false
    return now - this.pace.stillSince >= STILL_MS || this.pace.rate < this.minRate
  }

  yields(policy: string): boolean {
    return anyRoute(this.run, (ex, chain) => yields(ex, chain, policy))
  }

  yieldsCalled(now: number): boolean {
    return this.ticket?.called(now) === true || anyRoute(this.run, (ex, chain) => yieldsCalled(ex, chain, now))
  }

  endStalled(): void {
    this.run.downstream.closeAfter()
    this.run.fail(stalledFailure(this.ex.sent))
  }
}

/**
 * Continues to watch a run, or begins to; undefined: it does not wait for its client, or its client may be as slow as it
 * likes.
 */
export function watch(run: Run, now: number): Watched | undefined {
  const minRate = run.route?.limits.minRate
  if (minRate === undefined || !waitsForClient(run)) run.watched = undefined
  else run.watched ??= new WatchedRun(run, minRate.bytes, now)
  return run.watched
}

/** Once a head of our own is out, or the upstream is done, the client only has to read. A tunnel may be as idle as it likes. */
function waitsForClient({ body, ex, over, relay, tunnel }: Run): boolean {
  if (over || tunnel !== undefined) return false
  const unread = relay === undefined ? ex.sent : relay.unread
  return unread || body?.waitsForClient === true
}

/** Whether it holds for the route that a request is under, or for one that it has left. */
function anyRoute(run: Run, holds: (ex: Exchange, chain: Chain) => boolean): boolean {
  if (holds(run.ex, run.chain)) return true
  for (let leg = run.behind; leg !== undefined; leg = leg.behind) if (holds(leg.ex, leg.chain)) return true
  return false
}

/** Makes the policy of that name give back what it holds for the exchange; false: it holds nothing. */
function yields(ex: Exchange, { policies }: Chain, name: string): boolean {
  for (let place = 0; place < ex.reached; place++) {
    const policy = policies[place] as Policy
    if (policy.name === name) return policy.yields?.(ex) === true
  }
  return false
}

/** The same for any policy whose resource another worker has used up; true: one gave back what it holds. */
function yieldsCalled(ex: Exchange, { policies }: Chain, now: number): boolean {
  for (let place = 0; place < ex.reached; place++) {
    const policy = policies[place] as Policy
    if (policy.called?.(ex, now) === true) return policy.yields?.(ex) === true
  }
  return false
}
