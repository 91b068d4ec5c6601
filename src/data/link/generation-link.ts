import type { CommandHandler, Feed, FeedNeed, LinkQuestion, PendingAnswer } from '../../core/link.ts'
import type { Store, StoreName } from '../../core/store.ts'
import type { KeptFeed } from './kept-feed.ts'
import type { WorkerLink } from './worker-link.ts'

/** Milliseconds that a config waits for what it needs. */
const NEEDED_MS = 2_000

/** The link of a worker, for what one generation is compiled of: it knows what that needs before it goes live. */
export class GenerationLink {
  private readonly link: WorkerLink
  private readonly needed = new Set<KeptFeed>()

  constructor(link: WorkerLink) {
    this.link = link
  }

  ask<A>(feature: string, question: LinkQuestion, deadlineMs: number): PendingAnswer<A> {
    return this.link.ask(feature, question, deadlineMs)
  }

  feed<T>(feature: string, name: string, need: FeedNeed): Feed<T> {
    const feed = this.link.feed<T>(feature, name)
    if (need === 'before-commit') this.needed.add(feed as KeptFeed)
    return feed
  }

  command<Q>(feature: string, name: string, handle: CommandHandler<Q>): void {
    this.link.command(feature, name, handle)
  }

  store(feature: string, name: StoreName): Store {
    return this.link.stores.of(name, feature)
  }

  /** Waits for what is needed; returns what did not come, by feature and name. */
  arrived(): Promise<readonly string[]> {
    return this.link.arrived(this.needed, NEEDED_MS)
  }
}
