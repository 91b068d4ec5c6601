import type { HeldCell } from '../../cells/held.ts'

/** Its neighbours in the line; undefined while it is in none. */
export interface Linked<T> {
  previous: T | undefined
  next: T | undefined
}

/** First in, first out, with leaving in between at no cost. Its length may be counted for all workers. */
export class HeldLine<T extends Linked<T>> {
  length = 0
  private first: T | undefined = undefined
  private last: T | undefined = undefined
  private readonly held: HeldCell | undefined

  /** `held`: counts them for all pools of an upstream. */
  constructor(held?: HeldCell) {
    this.held = held
  }

  /** From the first on; none may join or leave meanwhile. */
  *[Symbol.iterator](): Generator<T> {
    for (let ticket = this.first; ticket !== undefined; ticket = ticket.next) yield ticket
  }

  push(ticket: T): void {
    ticket.previous = this.last
    if (this.last === undefined) this.first = ticket
    else this.last.next = ticket
    this.last = ticket
    this.length++
    this.held?.take()
  }

  /** In front of all others. */
  unshift(ticket: T): void {
    ticket.next = this.first
    if (this.first === undefined) this.last = ticket
    else this.first.previous = ticket
    this.first = ticket
    this.length++
    this.held?.take()
  }

  remove(ticket: T): void {
    if (ticket.previous === undefined) this.first = ticket.next
    else ticket.previous.next = ticket.next
    if (ticket.next === undefined) this.last = ticket.previous
    else ticket.next.previous = ticket.previous
    ticket.previous = undefined
    ticket.next = undefined
    this.length--
    this.held?.give()
  }
}
