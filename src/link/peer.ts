import type { Answer, LinkBounds, LinkMessage, LinkQuestion, PendingAnswer } from '../core/link.ts'
import type { Clock } from '../lib/clock.ts'
import type { TimerWheel } from '../lib/timers.ts'
import { Answerer } from './answerer.ts'
import { Asker } from './asker.ts'
import type { Fault } from './fault-log.ts'

export interface LinkPeerOptions {
  /** Sends to the other side. Throws for what cannot be cloned. */
  readonly post: (message: LinkMessage) => void
  /** What this side answers; undefined: there is no such answer. */
  readonly find: (to: string, name: string) => Answer | undefined
  readonly bounds: LinkBounds
  readonly clock: Pick<Clock, 'now'>
  readonly timers: TimerWheel
  /** A mistake in our own code: see {@link Asker} and {@link Answerer}. */
  readonly fault: Fault
}

/** One of two sides that ask each other. The owner of its port tells it what comes, and when the other side has ended. */
export class LinkPeer {
  private readonly asker: Asker
  private readonly answerer: Answerer

  constructor(options: LinkPeerOptions) {
    this.asker = new Asker(options)
    this.answerer = new Answerer(options)
  }

  /** See `Ask`. `to`: whose answers. */
  ask<A>(to: string, question: LinkQuestion, deadlineMs: number): PendingAnswer<A> {
    return this.asker.ask(to, question, deadlineMs)
  }

  /** False: not a message of a peer. */
  receive(message: LinkMessage | { readonly type: string }): boolean {
    const known = message as LinkMessage
    switch (known.type) {
      case 'ask':
      case 'give-up':
        this.answerer.receive(known)
        return true
      case 'answer':
      case 'no-answer':
        this.asker.receive(known)
        return true
      default:
        return false
    }
  }

  /** Either side has ended. */
  close(): void {
    this.asker.close()
    this.answerer.close()
  }
}
