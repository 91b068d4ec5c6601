import type { Writable } from 'node:stream'
import { CommandRefused } from '../../core/command.ts'
import type { Begin, EventReader } from '../../core/operation.ts'
import type { Clock, ClockHandle } from '../../lib/clock.ts'

const READERS = 32
const BUFFER_BYTES = 262_144
const KEEP_ALIVE_MS = 15_000
/** Keep-alives in which nothing was read: a reader that reads nothing for a minute holds a place that another may need. */
const MOST_STUCK = 4

/**
 * Server-sent events to one reader (WHATWG HTML, section 9.2). A reader that is too slow loses events and is told how many:
 * `lost {"count": n}` comes before the next one that fits.
 */
export class EventStream implements EventReader {
  private readonly out: Writable
  private readonly clock: Clock
  private timer: ClockHandle
  private lost = 0
  private stuck = 0

  constructor(out: Writable, clock: Clock) {
    this.out = out
    this.clock = clock
    this.timer = this.keepAlive()
  }

  send(event: string, data: unknown): boolean {
    if (this.out.writableEnded || this.out.writableLength > BUFFER_BYTES) {
      this.lost++
      return false
    }
    this.tellLost()
    this.out.write(eventText(event, data), this.taken)
    return true
  }

  lose(count: number): void {
    this.lost += count
  }

  private readonly taken = (): void => {
    this.stuck = 0
  }

  /** The reader gets `end`. */
  end(): void {
    this.stop()
    if (this.out.writableEnded) return
    this.tellLost()
    this.out.end(eventText('end', {}))
  }

  /** @internal Its reader is gone. */
  stop(): void {
    this.clock.cancel(this.timer)
  }

  private tellLost(): void {
    if (this.lost > 0) this.out.write(eventText('lost', { count: this.lost }))
    this.lost = 0
  }

  /** A comment: proxies in between and the reader see that the gateway is there. */
  private keepAlive(): ClockHandle {
    return this.clock.after(KEEP_ALIVE_MS, () => {
      this.stuck++
      if (this.stuck >= MOST_STUCK) {
        this.out.destroy()
        return
      }
      if (this.out.writableLength === 0) this.out.write(': still here\n\n', this.taken)
      this.timer = this.keepAlive()
    })
  }
}

/** All open event streams of a server: at most 32. */
export class EventStreams {
  private readonly clock: Clock
  private readonly open = new Set<EventStream>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Throws {@link CommandRefused} if all places are taken. */
  check(): void {
    if (this.open.size >= READERS) throw new CommandRefused('unavailable', `${READERS} event streams are open already`)
  }

  /** `out`: its head is written. */
  run(out: Writable, begin: Begin): void {
    // Gone already: there will be no more `close`.
    if (out.destroyed) return
    const stream = new EventStream(out, this.clock)
    this.open.add(stream)
    out.on('error', () => {})
    // Sent at once, so that the reader sees the head.
    out.write(': begins\n\n')
    const stop = begin(stream)
    out.once('close', () => {
      this.open.delete(stream)
      stream.stop()
      stop()
    })
  }

  close(): void {
    for (const stream of this.open) stream.end()
  }
}

/** JSON has no line ends of its own, so that it is always one `data` line. */
function eventText(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}
