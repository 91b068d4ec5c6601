import type { Duplex } from 'node:stream'
import type { Downstream } from '../../core/downstream.ts'
import { type Failure, failure } from '../../core/failures.ts'
import { isBridge, type TunnelBridge, TunnelFacts, type TunnelNotice, type TunnelStage } from '../../core/tunnel.ts'
import { isSendable } from '../../http/wire/sendable.ts'
import { type FlatHeaders, fieldValue, removeFields } from '../../lib/headers.ts'
import type { TimerWheel } from '../../lib/timers.ts'
import { answerHead, NO_STAGES, sendHead } from './answer.ts'
import { BridgedTunnel, type BridgeOwner } from './bridged-tunnel.ts'
import type { Clocks } from './clocks.ts'
import type { Dispatch } from './dispatch.ts'
import type { Engine } from './engine.ts'
import { CONTENT_LENGTH } from './fields.ts'
import { handOver } from './handed-over.ts'
import { tunnelOf } from './hooks.ts'
import { respondOnWay } from './legs.ts'
import { SideDownstream } from './side-downstream.ts'
import type { Snapshot } from './snapshot.ts'
import { beginsStream, type Streaming } from './stream.ts'
import { JoinedTunnel } from './tunnel.ts'
import type { TunnelEnds } from './tunnel-ends.ts'

/** The request whose upstream has changed the protocol. */
export interface UpgradedRun extends Streaming {
  readonly downstream: Downstream
  readonly snapshot: Snapshot
  readonly timers: TimerWheel
  readonly clocks: Clocks | undefined
  readonly engine: Pick<Engine, 'notice'>
  readonly notice: TunnelNotice | undefined
  tunnel: TunnelRun | undefined
  /** The answer may last. */
  stream: boolean
  /** An answer was chosen: a later failure can only break it. */
  answering: boolean
  finish(): void
}

const HALF_CLOSED: Failure = failure(
  'bad_request',
  'upgrade',
  'client',
  'The client closed its side before the protocol was changed.',
)

/**
 * An exchange behind a valid 101 of its upstream: the policies are asked whether the stream may begin, and change the head; then
 * the client gets its 101, and the ends are joined until the tunnel is over.
 */
export class TunnelRun implements BridgeOwner {
  readonly timers: TimerWheel
  private readonly run: UpgradedRun
  private readonly dispatch: Dispatch
  private readonly upstream: Duplex
  private stage: TunnelStage | TunnelBridge | undefined = undefined
  /** undefined: the client has no 101 yet. */
  private ends: TunnelEnds | undefined = undefined

  /** `upstream`: paused, with what came behind its 101 in front. */
  constructor(run: UpgradedRun, dispatch: Dispatch, upstream: Duplex) {
    this.run = run
    this.timers = run.timers
    this.dispatch = dispatch
    this.upstream = upstream
    upstream.on('error', ignore)
  }

  /** The client has its 101. */
  get isOpen(): boolean {
    return this.ends !== undefined
  }

  /** The client does not take what comes for it. */
  get blocked(): boolean {
    return this.ends?.clientBlocked === true
  }

  get gone(): boolean {
    return this.ends?.gone === true
  }

  /** `headers`: of the upstream's 101. */
  begin(headers: FlatHeaders): void {
    try {
      this.answer(headers)
    } catch (error) {
      this.run.onBug(error)
    }
  }

  private answer(headers: FlatHeaders): void {
    const { dispatch, run } = this
    const { ex, snapshot } = run
    if (!beginsStream(run, dispatch)) {
      this.drop()
      return
    }
    run.answering = true
    ex.tunnel = new TunnelFacts(ex.upgrade as string)
    ex.response = answerHead(snapshot, ex, 101, headers, NO_STAGES)
    const fields = ex.response.headers
    removeFields(fields, CONTENT_LENGTH)
    fields.push('Upgrade', fieldValue(headers, 'upgrade') ?? ex.tunnel.protocol)
    dispatch.endpoint.parts.answers(ex, 101, fields)
    // Its bytes are those of the latest route alone: the policies of others know of no tunnel.
    this.stage = tunnelOf(ex, run.chain)
    respondOnWay(run, () => this.onHeadSeen())
  }

  /** The policies have seen the head, at once or later. */
  private onHeadSeen(): void {
    const { run } = this
    if (run.over || run.tunnel !== this) return
    try {
      this.open()
    } catch (error) {
      run.onBug(error)
    }
  }

  private open(): void {
    const { run } = this
    const { downstream, ex } = run
    if (!sendHead(run)) {
      const sendable = isSendable(ex.response?.headers ?? [])
      ex.response = undefined
      if (sendable) run.fail(HALF_CLOSED)
      else run.onBug(new Error('a field that was added to a 101 cannot be sent'))
      return
    }
    run.clocks?.relaying(run.route?.limits.stream)
    const client = downstream.tunnel()
    const facts = ex.tunnel as TunnelFacts
    const { stage, upstream } = this
    const tunnel =
      stage !== undefined && isBridge(stage)
        ? new BridgedTunnel(this, facts, stage, client, upstream)
        : new JoinedTunnel(this, facts, stage, client, upstream)
    this.ends = tunnel
    tunnel.start()
    this.heed(run.notice)
    this.heed(run.engine.notice)
  }

  /** It should end soon; before it is open, it hears of that when it is. */
  heed(notice: TunnelNotice | undefined): void {
    if (notice !== undefined) this.ends?.leave(notice.why, Math.max(0, notice.by - this.run.clock.now()))
  }

  /** The exchange fails. False: the client has no 101, and can be answered. */
  fail(failed: Failure): boolean {
    const { ends } = this
    if (ends === undefined) {
      this.drop()
      return false
    }
    this.run.ex.failure ??= failed
    if (failed.reason === 'internal') ends.reset(failed)
    else ends.end(failed)
    return true
  }

  /** There will be none: the client gets another answer. */
  private drop(): void {
    this.stop()
    this.run.tunnel = undefined
    this.run.ex.tunnel = undefined
  }

  /** The exchange has ended: nothing of the tunnel remains. */
  stop(): void {
    this.ends?.stop()
    this.upstream.destroy()
    this.dispatch.closed('broken_by_us')
  }

  /** Of the first upstream: the attempt ends, and the tunnel goes on. Of another one: its own has ended long ago. */
  onUpstreamClosed(inOrder: boolean): void {
    this.dispatch.closed(inOrder ? 'complete' : 'tunnel_broken')
  }

  onMoved(): void {
    this.run.clocks?.active()
  }

  onOver(why: Failure | undefined): void {
    const { run } = this
    run.ex.failure ??= why
    this.dispatch.closed(
      why === undefined ? 'complete' : why.reason === 'response_incomplete' ? 'tunnel_broken' : 'broken_by_us',
    )
    run.finish()
  }

  bug(error: unknown): void {
    this.run.bug(error)
  }
}

/** `headers`: of the upstream's 101. Where a feature asked for it, the feature has the connection, and the exchange ends. */
export function beginTunnel(run: UpgradedRun, dispatch: Dispatch, headers: FlatHeaders, upstream: Duplex): void {
  const { downstream } = run
  if (downstream instanceof SideDownstream) handOver(run, downstream, dispatch, headers, upstream)
  else {
    run.stream = true
    run.tunnel = new TunnelRun(run, dispatch, upstream)
    run.tunnel.begin(headers)
  }
}

function ignore(): void {}
