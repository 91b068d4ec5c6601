import type { Downstream } from '../../core/downstream.ts'
import type { Exchange } from '../../core/exchange.ts'
import { beginsWith, fieldValue } from '../../lib/headers.ts'
import { Due, type TimerWheel } from '../../lib/timers.ts'
import type { Chain } from './chain.ts'
import type { Gathering, RequestBody } from './replay.ts'
import type { CompiledRoute } from './snapshot.ts'

/** Milliseconds without a byte after which an attempt begins although more of the upload is to come. */
const SILENCE_MS = 100

const GRPC = 'application/grpc'
/** What may follow it: a subtype, or parameters. Other letters make another type, such as that of gRPC-Web. */
const BEHIND_GRPC: ReadonlySet<string> = new Set(['', '+', ';', ' ', '\t'])

/**
 * Whether an upload is to come before an attempt begins. Not with what may flow both ways at once: a client of gRPC may wait for
 * an answer before it sends any byte. It speaks HTTP/2: over HTTP/1.1 its type would open the gate for any client. An offer to
 * upgrade is no reason: with a body none is taken up.
 */
function isGated({ headers, protocol }: Pick<Downstream, 'headers' | 'protocol'>): boolean {
  if (protocol !== 'HTTP/2') return true
  const type = fieldValue(headers, 'content-type')
  return type === undefined || !beginsWith(type, GRPC) || !BEHIND_GRPC.has(type.charAt(GRPC.length))
}

/** A route whose requests go to an upstream. */
export type Attempted = CompiledRoute & { readonly plan: object }

/** A request that has, or may have, an upload. */
export interface Uploading {
  readonly ex: Exchange
  readonly chain: Chain
  readonly route: Pick<CompiledRoute, 'plan'> | undefined
  readonly timers: TimerWheel
  readonly downstream: Downstream
  readonly body: RequestBody | undefined
  readonly over: boolean
  /** An answer was chosen. */
  readonly answering: boolean
  /** False: a policy does not let the body pass. */
  openBody(): boolean
  /** Ends it: a hook threw. */
  onBug(error: unknown): void
}

/**
 * `goOn` follows when an attempt may begin, at once or later, unless the request has ended by then. What would be refused in any
 * case need not wait.
 */
export function passGate<R extends Uploading>(run: R, goOn: (run: R) => void): void {
  if (isDue(run)) {
    if (run.openBody()) new Gate(run.body as RequestBody, run.timers, () => resume(run, goOn)).pass()
  } else goOn(run)
}

function isDue({ chain, downstream, ex, route }: Uploading): boolean {
  const plan = route?.plan
  if (downstream.contentLength === 0 || plan?.buffers.request !== true) return false
  return isGated(downstream) && !plan.split.isHopeless(ex, chain)
}

/** Called by a socket or a timer, too: what a hook throws ends this request, and would else end the worker. */
function resume<R extends Uploading>(run: R, goOn: (run: R) => void): void {
  if (run.over || run.answering) return
  try {
    goOn(run)
  } catch (error) {
    run.onBug(error)
  }
}

/**
 * The gate before the dial. An upload waits here in our memory: one of at most 64 KiB until it is whole; any other until its
 * first 64 KiB, its end, or a silence. So a slow client holds no endpoint, no connection and no permit meanwhile.
 */
class Gate extends Due implements Gathering {
  private readonly body: RequestBody
  private readonly timers: TimerWheel
  private readonly goOn: () => void

  constructor(body: RequestBody, timers: TimerWheel, goOn: () => void) {
    super()
    this.body = body
    this.timers = timers
    this.goOn = goOn
  }

  /** Asks for the body, unless enough of it is here. `goOn` follows, unless the body is detached. */
  pass(): void {
    if (this.enough()) this.goOn()
    else this.body.gather(this)
  }

  enough(): boolean {
    const { body } = this
    if (body.mayBegin) return true
    if (!body.isShort) this.timers.schedule(this, SILENCE_MS)
    return false
  }

  stop(): void {
    this.timers.cancel(this)
  }

  done(): void {
    this.goOn()
  }

  fire(): void {
    this.body.silent()
  }
}
