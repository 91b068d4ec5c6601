import { Pool as UndiciPool } from 'undici'
import { CellSpace } from '../../../src/cells/space.ts'
import { Pool, type PoolEvents, type Ticket } from '../../../src/data/upstreams/pool.ts'
import { http1Transport } from '../../../src/data/upstreams/transports/http1.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { EventClock } from '../../../src/lib/event-clock.ts'
import { scavenger } from '../../../src/lib/scavenge.ts'
import { TimerWheel } from '../../../src/lib/timers.ts'

export const CONNECTIONS = 16

/** What is asked, again and again. */
export interface Load {
  readonly name: string
  readonly body: Buffer | undefined
  /** Bytes of the answer. */
  readonly size: number
}

/** A client of HTTP/1.1 over TLS. `ask` calls back with the bytes of the body of the answer. */
export interface Client {
  ask(load: Load, done: (bytes: number) => void): void
  close(): void
}

interface Where {
  readonly port: number
  readonly ca: string
  readonly serverName: string
}

const FIELDS = ['accept', '*/*', 'user-agent', 'bench', 'x-forwarded-for', '203.0.113.9', 'x-request-id', '0123456789']

function failed(why: unknown): never {
  throw new Error('a request of the bench failed', { cause: why })
}

/** As a worker of Sluice asks an upstream: by pool and transport. */
export function sluiceClient({ ca, port, serverName }: Where): Client {
  const clock = new EventClock(systemClock)
  const timers = new TimerWheel(clock)
  const space = new CellSpace(1, 0)
  space.add([{ id: 0, kind: 'ints', buffer: new SharedArrayBuffer(65_536) }])
  const pool = new Pool({
    transport: http1Transport(clock, timers, scavenger()),
    target: { address: '127.0.0.1', port, tls: { serverName, ca, cert: undefined, key: undefined, verify: true } },
    connection: { connectTimeoutMs: 5_000, keepAliveMs: 60_000 },
    limits: { max: CONNECTIONS, maxWaiting: CONNECTIONS, maxConcurrent: undefined },
    inFlight: space.held({ page: 0, slot: 0 }),
    connections: space.held({ page: 0, slot: 1 }),
    waiting: space.held({ page: 0, slot: 2 }),
    clock,
    timers,
    onIdleLimit: () => {},
    onRetired: () => {},
  })
  return {
    ask: ({ body, size }, done) => {
      const asking = new Asking(body, done)
      const request = {
        method: body === undefined ? 'GET' : 'POST',
        target: `/${size}`,
        authority: serverName,
        headers: FIELDS,
        contentLength: body?.length ?? 0,
      }
      asking.ticket = pool.start(request, asking)
    },
    close: () => {
      pool.close()
      timers.close()
    },
  }
}

class Asking implements PoolEvents {
  /** As much as the engine borrows for a client that reads. */
  readonly borrows = 65_536
  ticket: Ticket | undefined = undefined
  private bytes = 0
  private readonly body: Buffer | undefined
  private readonly done: (bytes: number) => void

  constructor(body: Buffer | undefined, done: (bytes: number) => void) {
    this.body = body
    this.done = done
  }

  onDequeued(): void {}
  onConnected(): void {}
  onWantBody(): void {
    this.ticket?.write(this.body as Buffer)
    this.ticket?.end([])
  }
  onDrain(): void {}
  onInformational(): void {}
  onHead(): void {}
  onData(chunk: Buffer): void {
    this.bytes += chunk.length
  }
  onTrailers(): void {}
  onEnd(): void {
    this.done(this.bytes)
  }
  onUpgraded(): void {}
  onFailure(failure: unknown): void {
    failed(failure)
  }
}

/** By its leanest interface: `dispatch` with a handler. */
export function undiciClient({ ca, port, serverName }: Where): Client {
  const pool = new UndiciPool(`https://127.0.0.1:${port}`, {
    connections: CONNECTIONS,
    pipelining: 1,
    connect: { ca, servername: serverName },
    keepAliveTimeout: 60_000,
  })
  const headers = ['host', serverName, ...FIELDS]
  return {
    ask: ({ body, size }, done) => {
      let bytes = 0
      pool.dispatch(
        { method: body === undefined ? 'GET' : 'POST', path: `/${size}`, headers, body: body ?? null },
        {
          onRequestStart() {},
          onResponseStart() {},
          onResponseData(_controller, chunk) {
            bytes += chunk.length
          },
          onResponseEnd() {
            done(bytes)
          },
          onResponseError(_controller, error) {
            failed(error)
          },
        },
      )
    },
    close: () => void pool.destroy(),
  }
}
