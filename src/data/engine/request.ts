import type { Duplex } from 'node:stream'
import type { Downstream, DownstreamEvents, Gone } from '../../core/downstream.ts'
import { Exchange } from '../../core/exchange.ts'
import { type Failure, failure } from '../../core/failures.ts'
import type { Left } from '../../core/policy.ts'
import type { TransportFailure } from '../../core/transport.ts'
import type { TunnelNotice } from '../../core/tunnel.ts'
import { isReply, isReroute, type Refusal, type Reply } from '../../core/verdict.ts'
import type { EventClock } from '../../lib/event-clock.ts'
import type { FlatHeaders } from '../../lib/headers.ts'
import type { TimerWheel } from '../../lib/timers.ts'
import { answerHead, isEventStream, NO_STAGES, sendHead } from './answer.ts'
import { AttemptLoop } from './attempt-loop.ts'
import type { AttemptsHost } from './attempts-host.ts'
import type { Chain } from './chain.ts'
import { Clocks, type ClocksOwner, type Expired, RECOVERY_MS } from './clocks.ts'
import type { AnswerSink, Dispatch } from './dispatch.ts'
import { EarlyAnswers } from './early.ts'
import { brokenFailure, endFailure, expiredFailure, goneFailure, refused, sourceFailure } from './ends.ts'
import type { Engine } from './engine.ts'
import { type Attempted, passGate } from './gate.ts'
import { handle } from './handle.ts'
import { type Admission, AT_GATE, admit, Pending } from './hooks.ts'
import { answerStagesOnWay, failedBehind, type Leg, readsAnswers, respondOnWay, settleOnWay } from './legs.ts'
import { answerInstead, answerOurselves, deliver } from './own-answer.ts'
import { Relay, type RelayOwner } from './relay.ts'
import { RequestBody } from './replay.ts'
import type { RequestStages } from './request-stages.ts'
import { answerFor, goOn, LOOP, openStages } from './reroute.ts'
import type { CompiledRoute, Snapshot } from './snapshot.ts'
import type { SourceFeed, SourceFeedOwner } from './source-feed.ts'
import type { Watched } from './stalls.ts'
import { beginsStream } from './stream.ts'
import { beginTunnel, type TunnelRun } from './tunnel-run.ts'

/**
 * One exchange from its head to its last byte: admit, attempts, answer, settle. Keeps the snapshot it began with. Finishes
 * exactly once, whatever happens.
 */
export class Run implements DownstreamEvents, AttemptsHost, ClocksOwner, RelayOwner, SourceFeedOwner {
  /** With chain and route: of the route that it is under now. */
  ex: Exchange
  /** @internal Among the engine's living runs. */
  place = -1
  /** @internal Its downstream was gone at the engine's latest sweep. */
  suspect = false
  /** @internal Set while it waits for its client. */
  watched: Watched | undefined = undefined
  readonly clock: EventClock
  readonly timers: TimerWheel
  body: RequestBody | undefined = undefined
  readonly engine: Engine
  readonly snapshot: Snapshot
  readonly downstream: Downstream
  chain: Chain
  route: CompiledRoute | undefined
  /** The route that it left for this one. */
  behind: Leg | undefined = undefined
  clocks: Clocks | undefined = undefined
  stages: RequestStages | undefined = undefined
  attempts: AttemptLoop | undefined = undefined
  private early: EarlyAnswers | undefined = undefined
  relay: Relay | undefined = undefined
  /** Of an answer of our own: its body, or where it comes from. */
  ownBody: Buffer | undefined = undefined
  feed: SourceFeed | undefined = undefined
  /** The upstream has changed the protocol. */
  tunnel: TunnelRun | undefined = undefined
  /** @internal Holds for its tunnel, whether or not that is open. */
  notice: TunnelNotice | undefined = undefined
  /** A policy that has yet to let it in. */
  private pending: Pending | undefined = undefined
  /** An answer was chosen: a later failure can only break it. */
  answering = false
  /** The endpoint that is asked last, see `ConnectOptions`. */
  last: string | undefined = undefined
  /** The answer is an event stream. */
  stream = false
  over = false

  constructor(engine: Engine, snapshot: Snapshot, downstream: Downstream, route: CompiledRoute | undefined) {
    this.engine = engine
    this.clock = engine.clock
    this.timers = engine.timers
    this.snapshot = snapshot
    this.downstream = downstream
    this.route = route
    this.chain = route?.chain ?? snapshot.unmatched
    this.ex = new Exchange(downstream, engine.clock.now(), engine.ids.next(), this.chain.slots.exchange)
    this.ex.route = route
  }

  get clientStalls(): boolean {
    return this.body?.overdue === true || this.watched?.stalls(this.clock.now()) === true
  }

  get bodyLength(): number {
    return this.stages?.changesLength === true ? -1 : this.downstream.contentLength
  }

  get standsIn(): boolean {
    return failedBehind(this.behind) !== undefined
  }

  /** Starts the clocks and asks the policies. */
  start(): void {
    const route = this.route as CompiledRoute
    this.clocks = new Clocks(this, this.clock, this.timers, this.ex.startedAt, route.limits)
    this.enter(route, this.clocks)
  }

  enter({ inFlight }: CompiledRoute, { deadline }: Clocks): void {
    inFlight.take()
    this.ex.deadline = deadline
    this.attempts = undefined
    this.answering = false
    this.stream = false
    this.asked(admit(this.ex, this.chain, this.clock))
  }

  /** A policy that waited has no caller that catches what a later hook throws. */
  private asked(admission: Admission): void {
    try {
      this.decided(admission)
    } catch (error) {
      this.onBug(error)
    }
  }

  private decided(admission: Admission): void {
    if (admission === undefined) {
      this.ex.reached = this.chain.policies.length
      passGate(this, this.route?.plan === undefined ? handle : Run.attempt)
    } else if (admission === AT_GATE)
      passGate(this, () => this.asked(admit(this.ex, this.chain, this.clock, this.chain.gate, true)))
    else if (admission instanceof Pending) {
      this.pending = admission
      admission.wait((late) => this.asked(late))
    } else if (admission instanceof Error) this.onBug(admission)
    else if (isReroute(admission)) {
      const why = goOn(this, admission.reroute, undefined, 0)
      if (why !== undefined) this.fail(why === 'unknown' ? failure('internal', 'request', 'sluice') : LOOP)
    } else this.answer(isReply(admission) ? admission : refused(admission, 'limit'))
  }

  /** It ends while a policy has yet to let it in. */
  private leave(why: Left): void {
    const bug = this.pending?.leave(why)
    if (bug !== undefined) this.bug(bug)
  }

  private static attempt(run: Run): void {
    const { chain, clocks, ex } = run as Run & { readonly clocks: Clocks }
    const { latencies, plan } = run.route as Attempted
    ex.forwardHeaders ??= run.snapshot.forwarder.headers(ex)
    clocks.shorten(ex.startedAt + ex.offeredMs)
    ex.deadline = clocks.deadline
    if (!run.openBody()) return
    const share = plan.split.only ?? plan.split.draw(ex, chain, run.engine.random)
    run.attempts = new AttemptLoop(run, clocks, plan, chain, share, latencies)
    run.attempts.start()
  }

  openBody(): boolean {
    if (this.downstream.contentLength === 0) return true
    this.body ??= new RequestBody(this.downstream, this.engine.replay, this)
    this.stageRefusal(openStages(this, this.body))
    return !this.over && !this.answering
  }

  onBodyMoving(moving: boolean): void {
    const { clocks } = this
    if (clocks === undefined || clocks.bodyMoving === moving) return
    clocks.setMoving(moving ? this.body : undefined)
    this.ex.deadline = clocks.deadline
    if (!moving) this.attempts?.bodyStopped()
  }

  onInformational(status: number, headers: FlatHeaders): void {
    if (this.answering) return
    this.early ??= new EarlyAnswers(this.downstream, this.snapshot.responseKinds)
    this.early.pass(status, headers)
  }

  // --- answer

  onAnswer(dispatch: Dispatch, status: number, headers: FlatHeaders): AnswerSink | undefined {
    const { ex } = this
    this.stream = isEventStream(headers)
    if (this.stream && !beginsStream(this, dispatch)) return undefined
    this.answering = true
    const stages = readsAnswers(this) ? answerStagesOnWay(this, (error) => this.onBug(error)) : NO_STAGES
    ex.response = answerHead(this.snapshot, ex, status, headers, stages)
    // A cookie that ties a client to its endpoint is none of a feature's.
    if (ex.kind !== 'side') dispatch.endpoint.parts.answers(ex, status, ex.response.headers)
    const relay = new Relay(this, dispatch, this.downstream, stages, headers)
    this.relay = relay
    respondOnWay(this, Run.passOn)
    return relay
  }

  onUpgraded(dispatch: Dispatch, headers: FlatHeaders, upstream: Duplex): void {
    beginTunnel(this, dispatch, headers, upstream)
  }

  private static passOn(run: Run): void {
    run.relaying()
    if (run.over || sendHead(run)) run.relay?.open()
    // What a transport passes on can be sent: a field that cannot be was added by Sluice.
    else run.onBug(new Error('a field that was added to the answer cannot be sent'))
  }

  relaying(): void {
    this.clocks?.relaying(this.stream ? this.route?.limits.stream : this.route?.limits.idle)
  }

  onRelayed(): void {
    this.clocks?.active()
  }

  onRelayEnd(): void {
    if (this.over) return
    if (this.feed === undefined) this.ex.failure ??= endFailure(this.ex.attempt)
    this.body?.discard()
    this.downstream.end()
  }

  onRelayBroken(facts: TransportFailure): void {
    this.break(brokenFailure(facts, this.clientStalls))
  }

  /** No usable answer: recovers, or answers with the failure; once the head is out the answer can only be broken. */
  fail(failed: Failure): void {
    if (this.over) return
    if (this.answering) {
      this.break(failed)
      return
    }
    this.answering = true
    this.ex.failure = failed
    this.leave(failed.reason === 'draining' ? 'drain' : 'deadline')
    this.attempts?.stop(failed)
    // A hook that was told threw, and that is answered.
    if (this.ex.failure !== failed) return
    this.body?.detach()
    this.clocks?.extend(RECOVERY_MS)
    answerFor(this, failed)
  }

  onSourceReady(): void {
    respondOnWay(this, deliver)
  }

  onSourceBroken(why: Failure): void {
    this.break(this.ex.sent ? sourceFailure(why) : why)
  }

  /** Without an attempt: by a policy, refused by the listener, no match, `OPTIONS *`. */
  answer(reply: Reply | Failure): void {
    if (!isReply(reply)) this.fail(reply)
    else {
      this.answering = true
      answerOurselves(this, reply)
    }
  }

  // --- ends

  bug(error: unknown): void {
    this.engine.bug(this.ex, error)
  }

  onBug(error: unknown): void {
    this.bug(error)
    if (this.over) return
    this.answering = true
    this.leave('deadline')
    this.break(failure('internal', 'request', 'sluice'))
  }

  /** The answer cannot be completed: the client must see that. */
  break(failed: Failure): void {
    if (this.over || this.tunnel?.fail(failed)) return
    this.ex.failure = failed
    if (this.ex.sent) {
      this.downstream.reset()
      this.finish()
      return
    }
    answerInstead(this, failed)
  }

  onExpired(what: Expired): void {
    if (what === 'slow_client') this.downstream.closeAfter()
    this.fail(expiredFailure(what, this, this.clocks?.bodyMoving === true, this.attempts))
  }

  onBody(chunk: Buffer): void {
    if (this.stages === undefined) this.body?.onChunk(chunk)
    else this.stageRefusal(this.stages.push(chunk))
  }

  onBodyEnd(trailers: FlatHeaders): void {
    if (this.stages !== undefined) this.stageRefusal(this.stages.end())
    if (!this.over) this.body?.onEnd(this.snapshot.forwarder.trailers(this.ex, trailers))
  }

  private stageRefusal(refusal: Refusal | Error | undefined): void {
    if (refusal instanceof Error) this.onBug(refusal)
    else if (refusal !== undefined) this.fail(refused(refusal, 'send'))
  }

  onDrain(): void {
    this.relay?.onDrain()
  }

  onSent(): void {
    this.finish()
  }

  onGone(why: Gone): void {
    // A tunnel hears its own ends.
    if (this.over || this.tunnel?.isOpen) return
    if (why === 'inconsistent') {
      this.abandon(new Error('an answer did not keep to its head'))
      return
    }
    const phase = this.ex.sent ? 'body' : (this.attempts?.phase ?? 'request')
    const failed = goneFailure(why, this.downstream.brokenRule, phase)
    if (why !== 'closed' && !this.ex.sent && !this.answering) {
      this.downstream.closeAfter()
      this.fail(failed)
      return
    }
    if (why !== 'closed') this.downstream.reset()
    this.leave('client')
    this.ex.failure ??= failed
    this.attempts?.stop(this.ex.failure)
    this.finish()
  }

  /** Ends at once, whatever it waits for, because of a bug in Sluice: recorded, and all that it held is given back. */
  abandon(bug: Error): void {
    if (this.over) return
    this.bug(bug)
    this.ex.failure ??= failure('internal', this.ex.sent ? 'body' : 'request', 'sluice')
    this.leave('client')
    this.downstream.reset()
    this.finish()
  }

  /** @internal Recorded, and all is given back. */
  finish(): void {
    if (this.over) return
    this.over = true
    this.attempts?.stop(this.ex.failure)
    this.feed?.cancel()
    this.tunnel?.stop()
    this.relay?.release()
    if (this.body !== undefined) this.ex.bodyMs = this.clocks?.movedMs() ?? 0
    this.clocks?.stop()
    this.body?.release()
    this.engine.recorder.finish(settleOnWay(this, undefined))
    this.engine.left(this, this.snapshot)
  }
}
