import { Agent, type ClientRequest, request } from 'node:http'
import type { Clock } from '../../src/lib/clock.ts'
import type { Random } from '../../src/lib/random.ts'
import type { Ledger } from './ledger.ts'

export const LARGE_BYTES = 1_048_576
/** How long `/slow` takes; how long a stream of events lasts. */
export const SLOW_MS = 300
export const STREAM_MS = 15_000

const LARGE = Buffer.alloc(LARGE_BYTES, 'x')
const SMALL = Buffer.alloc(1_024, 'x')
/** A client that has its answer late has it at all: only what is lost is a failure. */
const PATIENCE_MS = 30_000

/** Requests that a client makes. `leaves`: it goes away in the middle. */
export type Kind = 'get' | 'post' | 'download' | 'upload' | 'events' | 'leaves' | 'leaves download' | 'leaves upload'

/** Per second, besides short requests; streams are begun so often. */
const RATES: readonly (readonly [Kind, number])[] = [
  ['download', 4],
  ['upload', 4],
  ['events', 2],
  ['leaves', 10],
  ['leaves download', 1],
  ['leaves upload', 1],
]
const POST_SHARE = 0.1
const TICK_MS = 4
/** At most so many at once after the process stood still; further ones are left out. */
const MOST_AT_ONCE = 50

interface LoadDeps {
  readonly clock: Clock
  readonly random: Random
  readonly ledger: Ledger
  readonly port: number
}

/** Open loop: each request is sent when it is due. */
export class SoakLoad {
  /** Short requests per second. */
  rate = 0
  private readonly deps: LoadDeps
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 512, maxFreeSockets: 128 })
  private readonly due = new Map<Kind, number>()
  private last: number
  private stopped = false

  constructor(deps: LoadDeps) {
    this.deps = deps
    this.last = deps.clock.now()
    this.tick()
  }

  /** As many short requests as are answered, for `ms`; per second. */
  async calibrate(ms: number, parallel: number): Promise<number> {
    const { clock } = this.deps
    const ends = clock.now() + ms
    let answered = 0
    await Promise.all(
      Array.from({ length: parallel }, async () => {
        while (clock.now() < ends) {
          await this.send('get')
          answered++
        }
      }),
    )
    return (1000 * answered) / ms
  }

  /** The body of the answer to a GET. */
  async ask(path: string): Promise<string> {
    let text = ''
    await this.send('get', path, (part) => {
      text += part.toString('latin1')
    })
    return text
  }

  stop(): void {
    this.stopped = true
  }

  close(): void {
    this.stop()
    this.agent.destroy()
  }

  private tick(): void {
    if (this.stopped) return
    const { clock, random } = this.deps
    const now = clock.now()
    const passed = (now - this.last) / 1000
    this.last = now
    if (this.rate > 0) {
      for (let n = this.dueOf('get', passed * this.rate); n > 0; n--)
        void this.send(random.float() < POST_SHARE ? 'post' : 'get')
      for (const [kind, rate] of RATES) for (let n = this.dueOf(kind, passed * rate); n > 0; n--) void this.send(kind)
    }
    clock.after(TICK_MS, () => this.tick())
  }

  private dueOf(kind: Kind, more: number): number {
    const due = Math.min((this.due.get(kind) ?? 0) + more, MOST_AT_ONCE)
    const whole = Math.floor(due)
    this.due.set(kind, due - whole)
    return whole
  }

  /** Resolves when it has ended, however. */
  private send(kind: Kind, path = PATHS[kind], onPart?: (part: Buffer) => void): Promise<void> {
    const { agent } = this
    const { clock, ledger, port, random } = this.deps
    const entry = ledger.begin(kind)
    const body = BODIES[kind]
    return new Promise((resolve) => {
      let patience = clock.after(PATIENCE_MS, () => end('no answer'))
      const end = (what: string): void => {
        clock.cancel(patience)
        ledger.end(entry, what)
        sent.destroy()
        resolve()
      }
      const sent: ClientRequest = request({
        host: '127.0.0.1',
        port,
        path,
        method: body === undefined ? 'GET' : 'POST',
        agent,
        headers: { 'x-correlation-id': entry.id, ...(body && { 'content-length': body.length }) },
      })
      sent.on('response', (answer) => {
        const status = answer.statusCode as number
        const reason = /details="([^"]*)"/.exec(String(answer.headers['proxy-status'] ?? ''))?.[1] ?? ''
        answer.on('error', () => end('broken'))
        answer.on('data', (part: Buffer) => {
          if (kind === 'leaves download') end('left')
          else onPart?.(part)
        })
        answer.on('end', () => {
          if (!answer.complete) end('broken')
          else settle(status < 400 ? 'ok' : `${status} ${reason}`)
        })
      })
      // The connection may serve another request.
      const settle = (what: string): void => {
        clock.cancel(patience)
        ledger.end(entry, what)
        resolve()
      }
      sent.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
      if (kind.startsWith('leaves') && kind !== 'leaves download') {
        clock.cancel(patience)
        // Well after it was read, and before its answer.
        patience = clock.after((0.2 + 0.5 * random.float()) * SLOW_MS, () => end('left'))
      }
      if (kind === 'leaves upload') sent.write(SMALL)
      else if (body === undefined) sent.end()
      else sent.end(body)
    })
  }
}

const PATHS: Readonly<Record<Kind, string>> = {
  get: '/short',
  post: '/short',
  download: '/large',
  upload: '/upload',
  events: '/events',
  leaves: '/slow',
  'leaves download': '/large',
  'leaves upload': '/upload',
}

const BODIES: Readonly<Record<Kind, Buffer | undefined>> = {
  get: undefined,
  post: SMALL,
  download: undefined,
  upload: LARGE,
  events: undefined,
  leaves: undefined,
  'leaves download': undefined,
  'leaves upload': LARGE,
}
