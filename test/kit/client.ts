import { type TcpPeer, tcpConnect } from './tcp.ts'
import { until } from './until.ts'

/** One answer as it stood on the wire. */
export interface WireAnswer {
  readonly status: number
  readonly version: string
  /** Flat, case kept. */
  readonly headers: readonly string[]
  readonly body: string
  /** As chunked or close-delimited framing says; false: the connection broke in the middle. */
  readonly complete: boolean
  readonly framing: 'none' | 'length' | 'chunked' | 'close'
  readonly trailers: readonly string[]
}

/** First value of a field; `name` lower-case. */
export function field(answer: WireAnswer, name: string): string | undefined {
  for (let i = 0; i < answer.headers.length; i += 2) {
    if (answer.headers[i]?.toLowerCase() === name) return answer.headers[i + 1]
  }
  return undefined
}

export function fields(answer: WireAnswer, name: string): string[] {
  return answer.headers.filter((_, i) => i % 2 === 1 && answer.headers[i - 1]?.toLowerCase() === name)
}

/** A raw HTTP/1 client: sends what it is told, byte for byte, and reads answers by their framing. */
export class HttpClient {
  readonly peer: TcpPeer
  private at = 0

  constructor(peer: TcpPeer) {
    this.peer = peer
  }

  send(text: string | Buffer): this {
    this.peer.send(text)
    return this
  }

  /** The next answer, 1xx included. `method` of the request: HEAD has no body. */
  async answer(method = 'GET'): Promise<WireAnswer> {
    let found: { answer: WireAnswer; end: number } | undefined
    await until(
      () => {
        found = read(this.peer.text, this.at, method, this.peer.ended || this.peer.closed)
        return found !== undefined
      },
      () => `an answer in ${JSON.stringify(this.peer.text.slice(this.at, this.at + 2000))}`,
    )
    const { answer, end } = found as { answer: WireAnswer; end: number }
    this.at = end
    return answer
  }

  /** Bytes behind the answers that were read. */
  get rest(): string {
    return this.peer.text.slice(this.at)
  }

  /** Waits until the server has closed its side. */
  async ended(): Promise<void> {
    await this.peer.receiveAll()
  }

  close(): void {
    this.peer.socket.destroy()
  }
}

export async function httpClient(port: number, from?: string): Promise<HttpClient> {
  return new HttpClient(await tcpConnect(port, from))
}

function flat(lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1).trim()]
  })
}

function read(
  text: string,
  from: number,
  method: string,
  closed: boolean,
): { answer: WireAnswer; end: number } | undefined {
  const headEnd = text.indexOf('\r\n\r\n', from)
  if (headEnd === -1) {
    if (closed) throw new Error(`closed without an answer: ${JSON.stringify(text.slice(from))}`)
    return undefined
  }
  const [first = '', ...lines] = text.slice(from, headEnd).split('\r\n')
  const [version = '', code = ''] = first.split(' ')
  const base = { version, status: Number(code), headers: flat(lines), trailers: [] as string[] }
  const start = headEnd + 4
  const answer = { ...base, body: '', complete: true, framing: 'none' as const }
  const length = field(answer, 'content-length')
  if (method === 'HEAD' || base.status < 200 || base.status === 204 || base.status === 304)
    return { answer, end: start }
  if (field(answer, 'transfer-encoding') === 'chunked') return readChunked(text, start, base, closed)
  if (length !== undefined) {
    const end = start + Number(length)
    if (text.length < end && !closed) return undefined
    const body = text.slice(start, end)
    return { answer: { ...base, body, complete: text.length >= end, framing: 'length' }, end: start + body.length }
  }
  if (!closed) return undefined
  return { answer: { ...base, body: text.slice(start), complete: true, framing: 'close' }, end: text.length }
}

function readChunked(
  text: string,
  start: number,
  base: Pick<WireAnswer, 'version' | 'status' | 'headers'>,
  closed: boolean,
): { answer: WireAnswer; end: number } | undefined {
  let body = ''
  let at = start
  const cut = (): { answer: WireAnswer; end: number } | undefined =>
    closed
      ? { answer: { ...base, trailers: [], body, complete: false, framing: 'chunked' }, end: text.length }
      : undefined
  for (;;) {
    const line = text.indexOf('\r\n', at)
    if (line === -1) return cut()
    const size = Number.parseInt(text.slice(at, line), 16)
    if (size === 0) {
      const end = text.indexOf('\r\n\r\n', line)
      if (end === -1) return cut()
      const trailers = end === line ? [] : flat(text.slice(line + 2, end).split('\r\n'))
      return { answer: { ...base, trailers, body, complete: true, framing: 'chunked' }, end: end + 4 }
    }
    if (text.length < line + 2 + size + 2) {
      body += text.slice(line + 2, line + 2 + size)
      return cut()
    }
    body += text.slice(line + 2, line + 2 + size)
    at = line + 2 + size + 2
  }
}
