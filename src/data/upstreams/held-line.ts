import type { HeldCell } from '../../cells/held.ts'

/** Its neighbours in the line; undefined while it is in none. */
export interface Linked<T> {
  previous: T | undefined
  next: T | undefined
}

/** First in, first out, with leaving in between at no cost. Its length is counted for all workers. */
export class HeldLine<T extends Linked<T>> {
  length = 0
  private first: T | undefined = undefined
  private last: T | undefined = undefined
  private readonly held: HeldCell

  /** `held`: counts them for all pools of an upstream. */
  constructor(held: HeldCell) {
    this.held = held
  }

  push(ticket: T): void {
    ticket.previous = this.last
    if (this.last === undefined) this.first = ticket
    else this.last.next = ticket
    this.last = ticket
    this.length++
    this.held.take()
  }

  /** In front of all others. */
  unshift(ticket: T): void {
    ticket.next = this.first
    if (this.first === undefined) this.last = ticket
    else this.first.previous = ticket
    this.first = ticket
    this.length++
    this.held.take()
  }

  shift(): T | undefined {
    const ticket = this.first
    if (ticket !== undefined) this.remove(ticket)
    return ticket
  }

  remove(ticket: T): void {
    if (ticket.previous === undefined) this.first = ticket.next
    else ticket.previous.next = ticket.next
    if (ticket.next === undefined) this.last = ticket.previous
    else ticket.next.previous = ticket.previous
    ticket.previous = undefined
    ticket.next = undefined
    this.length--
    this.held.give()
  }
}
