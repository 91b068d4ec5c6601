import type { Attempt } from './attempt.ts'
import type { ErrorPage, PageFormat } from './error-page.ts'
import type { Exchange } from './exchange.ts'
import type { Failure } from './failures.ts'
import type { Source } from './source.ts'
import type { TunnelBridge, TunnelStage } from './tunnel.ts'
import type { Refusal, Reply, Reroute, Verdict } from './verdict.ts'

/** Why a pending admit must leave now. */
export type Left = 'client' | 'deadline' | 'drain'

/** What takes the place of a failure. */
export type Recovery = Reply | Reroute

/**
 * Counts, refuses, changes or taps a body. `push` may return the chunk, another one, several, none (held back), or a
 * refusal (request bodies only). `end` may return a last chunk.
 */
export interface BodyStage {
  /** False for taps and counters: the length stays as announced. */
  readonly changesLength: boolean
  push(chunk: Buffer): Buffer | readonly Buffer[] | undefined | Refusal
  end(): Buffer | undefined | Refusal
}

/**
 * One policy on one route, compiled. Phases, not an onion: what a policy does not define costs nothing. Hooks run in
 * stage order, `respond` and `settle` in reverse. A hook that throws makes the exchange `internal`; later settles still
 * run. What may wait may be any thenable.
 */
export interface Policy {
  /** Of its feature. */
  readonly name: string
  admit?(ex: Exchange): Verdict | PromiseLike<Verdict>
  /**
   * What `admit` takes is held until the upstream is done: an upload of which too little has come for an attempt to begin is
   * kept before it.
   */
  readonly behindGate?: boolean
  /** Our admit is pending and client, deadline or drain ended the exchange: give up at once. */
  left?(ex: Exchange, why: Left): void
  /** Before the first byte of the body is asked for. */
  requestBody?(ex: Exchange): BodyStage | undefined
  /**
   * Answers inside the process, on a route without `to`: of a feature that `answers`. Asked once, when all have admitted the
   * request; its body is read as far as `body` is started, and dropped with the answer. The time limits of the route hold.
   */
  handle?(ex: Exchange, body: Source): Reply | Refusal | PromiseLike<Reply | Refusal>
  /** Upstream chosen, endpoint not yet. May refuse: the next candidate follows. */
  attempt?(ex: Exchange, at: Attempt): Refusal | undefined
  /** Whether an attempt at this upstream may pass, before one is drawn: a look, which takes no lease, token or permit. */
  usable?(ex: Exchange, upstream: string): boolean
  /**
   * Exactly once for each attempt that our `attempt` let pass (or that we do not judge), at its head verdict (`at.head`).
   * How its body ended is in `ex.attempt.end` at `settle`.
   */
  attempted?(ex: Exchange, at: Attempt): void
  /** Whether an answer with this status (500 or above) is as good as none: `recover` is then asked with `upstream_error`. */
  unusable?(ex: Exchange, status: number): boolean
  /**
   * The answer's head is there and the exchange is a stream from now on (server-sent events, or a tunnel behind an upgrade),
   * which may last for hours. A refusal takes the place of the answer.
   */
  stream?(ex: Exchange): Refusal | undefined
  /**
   * The upstream has upgraded (`ex.upgrade`), and its 101 in `ex.response` is about to go out; `respond` hooks follow. Sees the
   * bytes of the tunnel, or has its ends: the first policy that gives something has it alone.
   */
  tunnel?(ex: Exchange): TunnelStage | TunnelBridge | undefined
  /**
   * There is no usable answer. Where another route has none either, or an upstream there answers from 500 on, the next
   * policy is asked.
   */
  recover?(ex: Exchange, failure: Failure): Recovery | undefined | PromiseLike<Recovery | undefined>
  /**
   * The text that tells the client of a failure, in the place of Sluice's own. Asked for each failure that is answered, also
   * of policies that were not reached; the first page is taken, in reverse order.
   */
  page?(ex: Exchange, failure: Failure, format: PageFormat): ErrorPage | undefined
  /** Every final head, ours too, before it goes out: `ex.response` may be changed. Only policies that were reached. */
  respond?(ex: Exchange): void | PromiseLike<void>
  /** For every body that is sent, ours too. Only policies that were reached. */
  responseBody?(ex: Exchange): BodyStage | undefined
  /**
   * Nothing more is wanted of the upstream: its answer is here as a whole, and may have to wait for the client. Not where there was
   * no answer, or it broke: `settle` follows in any case.
   */
  upstreamDone?(ex: Exchange): void
  /**
   * Its client stalls, and it is about to be ended for the sake of others: gives back now what `settle` would. False: it
   * holds nothing.
   */
  yields?(ex: Exchange): boolean
  /** Another worker asks for what it holds of this policy. True: `yields` must follow, before any other exchange is asked. */
  called?(ex: Exchange, now: number): boolean
  /** Once, for each policy whose admit was called (policies without admit: whose place was reached). */
  settle?(ex: Exchange): void
}
