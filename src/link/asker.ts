import {
  type AnswerMessage,
  type AskMessage,
  type LinkBounds,
  type LinkQuestion,
  type PendingAnswer,
  UNAVAILABLE,
  type Unavailable,
  type UnavailableReason,
  unavailable,
} from '../core/link.ts'
import type { Clock } from '../lib/clock.ts'
import { Timer, type TimerWheel } from '../lib/timers.ts'
import type { Fault } from './fault-log.ts'
import { weighs } from './weight.ts'

export interface AskerOptions {
  /** Sends to the other side. Throws for what cannot be cloned. */
  readonly post: (message: AskMessage) => void
  readonly bounds: LinkBounds
  readonly clock: Pick<Clock, 'now'>
  readonly timers: TimerWheel
  /** A question could not be sent: a mistake in our own code. */
  readonly fault: Fault
}

/** No question waits longer. */
const LONGEST_MS = 3_600_000

interface Pending {
  readonly id: number
  readonly to: string
  readonly timer: Timer
  readonly resolve: (answer: unknown) => void
}

/** The side that asks. It is told what the other side says (`receive`), and that it has ended (`close`). */
export class Asker {
  private readonly options: AskerOptions
  private readonly pending = new Map<number, Pending>()
  /** How many are pending, by `to`. */
  private readonly counts = new Map<string, number>()
  private latest = 0
  private closed = false

  constructor(options: AskerOptions) {
    this.options = options
  }

  /** Never throws. `to`: see `AskMessage`. */
  ask<A>(to: string, question: LinkQuestion, deadlineMs: number): PendingAnswer<A> {
    const { bounds, clock, fault, post, timers } = this.options
    const { key, name, value } = question
    const waiting = this.counts.get(to) ?? 0
    if (this.closed) return refused('gone')
    if (waiting >= bounds.questions) return refused('full')
    if (!(deadlineMs > 0)) return refused('deadline')
    const id = ++this.latest
    const ms = Math.min(deadlineMs, LONGEST_MS)
    try {
      if (weighs(value, bounds.bytes) > bounds.bytes) return refused('too_large')
      post({ type: 'ask', id, to, name, value, key, until: clock.now() + ms })
    } catch (error) {
      fault(error, { to, name })
      return refused('failed')
    }
    this.counts.set(to, waiting + 1)
    const answer = new Promise<A | Unavailable>((resolve) => {
      const timer = new Timer(() => this.giveUp(id, 'deadline'))
      this.pending.set(id, { id, to, timer, resolve: resolve as (answer: unknown) => void })
      timers.schedule(timer, ms)
    })
    return { answer, cancel: () => this.giveUp(id, 'cancelled') }
  }

  /** What comes too late, or was never asked, is dropped. */
  receive(message: AnswerMessage): void {
    const pending = this.pending.get(message.id)
    if (pending === undefined) return
    if (message.type === 'answer') this.settle(pending, message.value)
    else this.settle(pending, unavailable(Object.hasOwn(UNAVAILABLE, message.why) ? message.why : 'failed'))
  }

  /** The other side has ended: nothing is waited for any more. */
  close(): void {
    this.closed = true
    for (const pending of this.pending.values()) this.settle(pending, unavailable('gone'))
  }

  private giveUp(id: number, why: UnavailableReason): void {
    const pending = this.pending.get(id)
    if (pending === undefined) return
    this.settle(pending, unavailable(why))
    this.options.post({ type: 'give-up', id })
  }

  private settle(pending: Pending, answer: unknown): void {
    const { id, resolve, timer, to } = pending
    this.pending.delete(id)
    this.options.timers.cancel(timer)
    const left = (this.counts.get(to) as number) - 1
    if (left === 0) this.counts.delete(to)
    else this.counts.set(to, left)
    resolve(answer)
  }
}

function refused(why: UnavailableReason): PendingAnswer<never> {
  return { answer: Promise.resolve(unavailable(why)), cancel: () => {} }
}
