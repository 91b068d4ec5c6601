import {
  type Answer,
  type AnswerMessage,
  type AskMessage,
  type Call,
  isUnavailable,
  type LinkBounds,
  type UnavailableReason,
  unavailable,
} from '../core/link.ts'
import type { Clock } from '../lib/clock.ts'
import { isThenable } from '../lib/thenable.ts'
import type { Fault } from './fault-log.ts'
import { weighs } from './weight.ts'

export interface AnswererOptions {
  /** Sends to the other side. Throws for what cannot be cloned. */
  readonly post: (message: AnswerMessage) => void
  /** undefined: there is no such answer. */
  readonly find: (to: string, name: string) => Answer | undefined
  readonly bounds: LinkBounds
  readonly clock: Pick<Clock, 'now'>
  /** An answer threw, could not be sent, or does not exist. */
  readonly fault: Fault
}

type AskedMessage = Extract<AskMessage, { type: 'ask' }>

/**
 * The side that answers one asker. It is told what that says (`receive`), and that it has ended (`close`). Both sides keep
 * the bounds: an answer that goes on after it was given up still counts here.
 */
export class Answerer {
  private readonly options: AnswererOptions
  private readonly calls = new Map<number, Running>()
  /** How many calls there are, by `to`. */
  private readonly counts = new Map<string, number>()
  /** Calls with the same key, by `to` and key: the first one runs. */
  private readonly lines = new Map<string, Line>()
  private closed = false

  constructor(options: AnswererOptions) {
    this.options = options
  }

  receive(message: AskMessage): void {
    if (message.type === 'give-up') this.giveUp(message.id)
    else if (!this.calls.has(message.id)) this.take(message)
  }

  /** Either side has ended: calls are aborted, those that wait never begin; all are `gone` to the asker, and what comes. */
  close(): void {
    this.closed = true
    for (const call of [...this.calls.values()]) {
      if (call.givenUp) continue
      this.options.post({ type: 'no-answer', id: call.message.id, why: 'gone' })
      this.giveUp(call.message.id)
    }
  }

  private take(message: AskedMessage): void {
    const { id, key, to } = message
    const running = this.counts.get(to) ?? 0
    const refusal = this.closed ? 'gone' : running >= this.options.bounds.questions ? 'full' : undefined
    if (refusal !== undefined) {
      this.options.post({ type: 'no-answer', id, why: refusal })
      return
    }
    const call = new Running(message)
    this.calls.set(id, call)
    this.counts.set(to, running + 1)
    if (key === undefined) this.begin(call)
    else this.queue(call, lineOf(message))
  }

  private begin(call: Running): void {
    const { clock, fault, find } = this.options
    const { name, to, until, value } = call.message
    const failed = (error: unknown): void => {
      if (!call.givenUp) fault(error, { to, name })
      this.end(call, unavailable('failed'))
    }
    // After a stall of this side: its answer is not waited for any more.
    if (clock.now() >= until) {
      this.end(call, unavailable('deadline'))
      return
    }
    try {
      const answer = find(to, name)
      if (answer === undefined) throw new Error('there is no such answer')
      const given = answer(value, call)
      if (isThenable(given)) Promise.resolve(given).then((later) => this.end(call, later), failed)
      else this.end(call, given)
    } catch (error) {
      failed(error)
    }
  }

  private end(call: Running, answer: unknown): void {
    this.drop(call)
    if (!call.givenUp) this.send(call, answer)
    if (call.message.key === undefined) return
    const line = this.lines.get(lineOf(call.message)) as Line
    line.calls.shift()
    line.busy = false
    this.advance(line, lineOf(call.message))
  }

  private queue(call: Running, key: string): void {
    const line = this.lines.get(key) ?? new Line()
    this.lines.set(key, line)
    line.calls.push(call)
    this.advance(line, key)
  }

  /** A loop, since one answer after the other may be there at once. */
  private advance(line: Line, key: string): void {
    if (line.advancing) return
    line.advancing = true
    for (let first = line.calls[0]; first !== undefined && !line.busy; first = line.calls[0]) {
      line.busy = true
      this.begin(first)
    }
    line.advancing = false
    if (line.calls.length === 0) this.lines.delete(key)
  }

  private giveUp(id: number): void {
    const call = this.calls.get(id)
    if (call === undefined || call.givenUp) return
    call.giveUp()
    const line = this.lines.get(lineOf(call.message))?.calls ?? []
    const at = line.indexOf(call)
    if (at < 1) return
    line.splice(at, 1)
    this.drop(call)
  }

  private drop({ message: { id, to } }: Running): void {
    this.calls.delete(id)
    const left = (this.counts.get(to) as number) - 1
    if (left === 0) this.counts.delete(to)
    else this.counts.set(to, left)
  }

  private send({ message: { id, name, to } }: Running, value: unknown): void {
    const { bounds, fault, post } = this.options
    let why: UnavailableReason = 'failed'
    if (isUnavailable(value)) why = value.unavailable
    else if (weighs(value, bounds.bytes) > bounds.bytes) why = 'too_large'
    else {
      try {
        post({ type: 'answer', id, value })
        return
      } catch (error) {
        fault(error, { to, name })
      }
    }
    post({ type: 'no-answer', id, why })
  }
}

/** The first call runs while it is busy. */
class Line {
  readonly calls: Running[] = []
  busy = false
  advancing = false
}

class Running implements Call {
  readonly message: AskedMessage
  givenUp = false
  /** Most calls never ask for it. */
  private controller: AbortController | undefined = undefined

  constructor(message: AskedMessage) {
    this.message = message
  }

  get until(): number {
    return this.message.until
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController()
      if (this.givenUp) this.controller.abort()
    }
    return this.controller.signal
  }

  giveUp(): void {
    this.givenUp = true
    this.controller?.abort()
  }
}

function lineOf({ key, to }: AskedMessage): string {
  return `${to}\0${key}`
}
