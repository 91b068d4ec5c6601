import type { ListenerConfig } from '../../../core/config.ts'
import { RequestHead } from './request-head.ts'

/**
 * Lends what reads a head to the connections of one listener. Most heads come whole, so that one is enough for all: only a
 * connection that got a part of a head keeps its own.
 */
export class HeadReaders {
  private readonly limits: ListenerConfig['limits']
  private spare: RequestHead | undefined = undefined

  constructor(limits: ListenerConfig['limits']) {
    this.limits = limits
  }

  take(): RequestHead {
    const head = this.spare ?? new RequestHead(this.limits)
    this.spare = undefined
    return head
  }

  /** Its head was read to the end, and what was read of it is not needed any more. */
  give(head: RequestHead): void {
    head.begin()
    this.spare = head
  }
}
