import type { LinkMessage } from '../../src/core/link.ts'
import { LinkPeer, type LinkPeerOptions } from '../../src/link/peer.ts'

/** One end of a way between two sides: a `MessagePort` of Node, or one of {@link memoryPorts}. */
export interface Port {
  postMessage(message: unknown): void
  on(event: 'message', receive: (message: unknown) => void): unknown
  on(event: 'close', ended: () => void): unknown
  close(): void
}

/** A peer that speaks by a port alone; it ends with the port. */
export function peerOver(port: Port, options: Omit<LinkPeerOptions, 'post'>): LinkPeer {
  const peer = new LinkPeer({ ...options, post: (message) => port.postMessage(message) })
  port.on('message', (message) => peer.receive(message as LinkMessage))
  port.on('close', () => peer.close())
  return peer
}

/**
 * Two ends within one thread, which cost no handle and no turn of the event loop: what is sent is cloned now and comes in
 * order, after what runs now.
 */
export function memoryPorts(): readonly [Port, Port] {
  const [a, b] = [new MemoryPort(), new MemoryPort()]
  a.other = b
  b.other = a
  return [a, b]
}

class MemoryPort implements Port {
  /** undefined: closed. */
  other: MemoryPort | undefined = undefined
  private receive: (message: unknown) => void = () => {}
  private ended: () => void = () => {}

  postMessage(message: unknown): void {
    const { other } = this
    if (other === undefined) return
    const copy = structuredClone(message)
    queueMicrotask(() => {
      if (other.other !== undefined) other.receive(copy)
    })
  }

  on(event: 'message' | 'close', f: (message: unknown) => void): void {
    if (event === 'message') this.receive = f
    else this.ended = f as () => void
  }

  close(): void {
    const { other } = this
    if (other === undefined) return
    this.other = undefined
    queueMicrotask(() => this.ended())
    other.close()
  }
}
