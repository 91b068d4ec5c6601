import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pointsOfProtobuf, type SeenPoint, type SeenSpan, spansOfJson, spansOfProtobuf } from './otlp.ts'
import { until } from './until.ts'

/** One request that it got. */
export interface SeenExport {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** `performance.now()`. */
  readonly at: number
  readonly spans: readonly SeenSpan[]
}

/** Answers a request; `n`: 0 for the first. */
export type CollectorScript = (res: ServerResponse, n: number) => void

/** An OpenTelemetry collector: a real server that reads OTLP over HTTP and answers by a script. */
export class TestCollector {
  readonly requests: SeenExport[] = []
  /** Of the requests that were answered with 200. */
  readonly spans: SeenSpan[] = []
  readonly points: SeenPoint[] = []
  script: CollectorScript = (res) => void res.writeHead(200).end()
  private readonly server: Server

  constructor() {
    this.server = createServer((req, res) => {
      const parts: Buffer[] = []
      req.on('data', (part: Buffer) => parts.push(part))
      req.on('end', () => {
        const body = Buffer.concat(parts)
        const json = req.headers['content-type'] === 'application/json'
        const isTraces = req.url?.endsWith('/v1/traces') === true
        const spans = isTraces ? (json ? spansOfJson(body) : spansOfProtobuf(body)) : []
        const points = isTraces || json ? [] : pointsOfProtobuf(body)
        const number = this.requests.push({ path: req.url ?? '', headers: req.headers, at: performance.now(), spans })
        res.on('finish', () => {
          if (res.statusCode !== 200) return
          this.spans.push(...spans)
          this.points.push(...points)
        })
        this.script(res, number - 1)
      })
    })
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  async listen(port = 0): Promise<this> {
    this.server.listen(port, '127.0.0.1')
    await once(this.server, 'listening')
    return this
  }

  /** Waits until so many spans of a trace are there. */
  async trace(traceId: string, spans: number): Promise<SeenSpan[]> {
    const found = (): SeenSpan[] => this.spans.filter((span) => span.traceId === traceId)
    await until(
      () => found().length >= spans,
      () =>
        `${spans} spans of ${traceId} among ${JSON.stringify(this.spans, (_, v) => (typeof v === 'bigint' ? `${v}` : v))}`,
    )
    return found()
  }

  async close(): Promise<void> {
    this.server.closeAllConnections()
    this.server.close()
    await once(this.server, 'close')
  }
}

export function testCollector(): Promise<TestCollector> {
  return new TestCollector().listen()
}
