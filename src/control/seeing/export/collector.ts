import type { Agent, Dispatcher } from 'undici'
import type { Clock } from '../../../lib/clock.ts'
import { retryAfterMs } from '../../../lib/retry-after.ts'

/** A collector, and how to reach it. */
export interface CollectorOptions {
  readonly url: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** Milliseconds for the whole exchange. */
  readonly timeout: number
  readonly clock: Clock
}

/** It may take the same later. */
export class CollectorBusy extends Error {
  /** The wait that it asks for; undefined: none. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, retryAfterMs: number | undefined) {
    super(message)
    this.retryAfterMs = retryAfterMs
  }
}

/** It will never take this. */
export class CollectorRefused extends Error {}

const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504])
/** An answer of OTLP is some bytes. */
const MAX_ANSWER = 65_536

/** Sends OTLP over HTTP: one request at a time, which ends by its deadline whatever the other side does. */
export class Collector {
  private readonly options: CollectorOptions
  private readonly stop = new AbortController()
  private agent: Agent | undefined = undefined

  constructor(options: CollectorOptions) {
    this.options = options
  }

  /** The body of its answer. Rejects with {@link CollectorBusy} or {@link CollectorRefused}. */
  async send(body: Uint8Array, contentType: string): Promise<Uint8Array> {
    const { clock, headers, timeout, url } = this.options
    const late = new AbortController()
    const timer = clock.after(timeout, () => late.abort(new Error(`no answer within ${timeout} ms`)))
    try {
      // Not before it is needed: loading it takes time and memory, and most gateways have no collector.
      const undici = await import('undici')
      this.agent ??= new undici.Agent({
        connections: 1,
        connect: { timeout },
        headersTimeout: timeout,
        bodyTimeout: timeout,
      })
      const answer = await undici.request(url, {
        method: 'POST',
        headers: { 'user-agent': 'sluice', ...headers, 'content-type': contentType },
        body,
        dispatcher: this.agent,
        signal: AbortSignal.any([late.signal, this.stop.signal]),
      })
      const bytes = await bounded(answer.body)
      const { statusCode } = answer
      if (statusCode >= 200 && statusCode < 300) return bytes
      const said = `it answered ${statusCode}`
      if (!RETRYABLE.has(statusCode)) throw new CollectorRefused(said)
      const after = answer.headers['retry-after']
      throw new CollectorBusy(said, retryAfterMs(typeof after === 'string' ? after : '', clock.wall()))
    } catch (error) {
      if (error instanceof CollectorBusy || error instanceof CollectorRefused) throw error
      const { code, message } = error as NodeJS.ErrnoException
      // Of a name with several addresses, none of which answers, there is no message.
      throw new CollectorBusy(message || code || 'no connection', undefined)
    } finally {
      clock.cancel(timer)
    }
  }

  /** Ends all that runs. */
  close(): void {
    this.stop.abort(new Error('the gateway ends'))
    void this.agent?.destroy()
  }
}

async function bounded(body: Dispatcher.ResponseData['body']): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of body as AsyncIterable<Uint8Array>) {
    length += part.length
    if (length > MAX_ANSWER) throw new CollectorRefused('its answer is too long')
    parts.push(part)
  }
  return Buffer.concat(parts)
}
