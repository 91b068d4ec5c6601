import type { HeldCell } from '../../cells/held.ts'
import type {
  Link,
  LinkOptions,
  LinkOwner,
  StreamHolder,
  Target,
  Transport,
  UpstreamStream,
} from '../../core/transport.ts'
import type { PoolRequest } from './pool.ts'

/** What links are opened with. */
export interface PoolLinksOptions {
  readonly transport: Transport
  readonly target: Target
  readonly connection: LinkOptions
  /** Opened and not closed. */
  readonly connections: HeldCell
}

/** A pool, as its links see it. */
export interface PoolLinksOwner {
  /** It has room for more streams, or for fewer. */
  onCapacity(link: PoolLink): void
  /** It is gone, and counts no more; `idle`: it had room, and no stream. */
  onClosed(link: PoolLink, idle: boolean): void
}

/** The links of a pool, and which of them have room: of these the one that got it last is used first. */
export class PoolLinks {
  /** Open ones, and those that leave. */
  size = 0
  private readonly options: PoolLinksOptions
  private readonly owner: PoolLinksOwner
  /** Links with room, the one that got it last at the end. */
  private readonly roomy: PoolLink[] = []

  constructor(options: PoolLinksOptions, owner: PoolLinksOwner) {
    this.options = options
    this.owner = owner
  }

  open(): PoolLink {
    this.size++
    this.options.connections.take()
    return new PoolLink(this, this.options)
  }

  withRoom(): PoolLink | undefined {
    for (;;) {
      const link = this.roomy[this.roomy.length - 1]
      if (link === undefined || link.hasRoom) return link
      // It has closed, and only waits to report that.
      this.note(link)
    }
  }

  /** Closes those without streams. */
  closeIdle(): void {
    for (const link of this.roomy.filter(({ taken }) => taken === 0)) link.close()
  }

  /** After anything that gives a link room, or takes it. */
  note(link: PoolLink): void {
    const { roomy } = this
    if (link.hasRoom === link.listed) return
    link.listed = !link.listed
    if (link.listed) roomy.push(link)
    else if (roomy[roomy.length - 1] === link) roomy.pop()
    else roomy.splice(roomy.lastIndexOf(link), 1)
  }

  /** @internal */
  onCapacity(link: PoolLink): void {
    this.owner.onCapacity(link)
  }

  /** @internal */
  onClosed(link: PoolLink): void {
    const idle = link.listed && link.taken === 0
    this.note(link)
    this.size--
    this.options.connections.give()
    this.owner.onClosed(link, idle)
  }
}

/** A link in its pool. */
export class PoolLink implements LinkOwner {
  readonly link: Link
  /** Places taken: requests on it. */
  taken = 0
  /** @internal It is among those with room. */
  listed = false
  /** Clock milliseconds at which the latest of its requests ended. */
  idleSince = 0
  private readonly links: PoolLinks

  constructor(links: PoolLinks, options: PoolLinksOptions) {
    this.links = links
    this.link = options.transport.open(options.target, options.connection, this)
  }

  get hasRoom(): boolean {
    return this.link.state === 'open' && this.taken < this.link.capacity
  }

  start({ request, events }: PoolRequest, holder: StreamHolder): UpstreamStream {
    this.taken++
    this.links.note(this)
    return this.link.start(request, events, holder)
  }

  close(): void {
    this.link.close()
    this.links.note(this)
  }

  onCapacity(): void {
    this.links.onCapacity(this)
  }

  onGoAway(): void {
    this.links.note(this)
  }

  onClosed(): void {
    this.links.onClosed(this)
  }
}
