import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Pair } from './tls.ts'

/** What the server does instead of answering as it should; `true`: it has answered. */
export type Misbehaviour = (request: IncomingMessage, response: ServerResponse) => boolean

/** A server of one config, which misbehaves when asked to. */
export class ConfigServer {
  text: string
  /** Signs what it serves; undefined: there is no signature. */
  signer: KeyObject | undefined = undefined
  misbehave: Misbehaviour | undefined = undefined
  /** Of the validators, what it sends and understands. */
  validators: readonly ('etag' | 'last-modified')[] = ['etag']
  readonly seen: { readonly url: string; readonly headers: IncomingMessage['headers']; status: number }[] = []
  private readonly server: Server
  private readonly secure: boolean
  private port = 0

  private constructor(text: string, tls: Pair | undefined) {
    this.text = text
    this.secure = tls !== undefined
    const listener: RequestListener = (request, response) => this.answer(request, response)
    this.server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  }

  static async start(text: string, tls?: Pair): Promise<ConfigServer> {
    const made = new ConfigServer(text, tls)
    await made.listen()
    return made
  }

  get origin(): string {
    return `${this.secure ? 'https' : 'http'}://127.0.0.1:${this.port}`
  }

  get url(): string {
    return `${this.origin}/gateway.yaml`
  }

  /** Statuses of answers to questions for the text. */
  get statuses(): number[] {
    return this.seen.filter(({ url }) => !url.includes('.sig')).map(({ status }) => status)
  }

  /** Nothing listens there any more; what is open ends. */
  async down(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }

  /** Listens again, where it did. */
  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(this.port, '127.0.0.1', resolve))
    this.port = (this.server.address() as AddressInfo).port
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const { headers, url = '' } = request
    const seen = { url, headers, status: 0 }
    this.seen.push(seen)
    response.on('close', () => {
      seen.status = response.statusCode
    })
    if (this.misbehave?.(request, response) === true) return
    if (url.includes('.sig')) this.signature(response)
    else this.config(headers, response)
  }

  private config(headers: IncomingMessage['headers'], response: ServerResponse): void {
    const etag = `"${createHash('sha1').update(this.text).digest('hex')}"`
    const modified = new Date(Date.UTC(2026, 0, 1) + this.text.length * 1_000).toUTCString()
    const same =
      (this.validators.includes('etag') && headers['if-none-match'] === etag) ||
      (this.validators.includes('last-modified') && headers['if-modified-since'] === modified)
    if (same) {
      response.writeHead(304).end()
      return
    }
    const found = { etag, 'last-modified': modified }
    const sent = Object.entries(found).filter(([name]) => (this.validators as readonly string[]).includes(name))
    response.writeHead(200, { ...Object.fromEntries(sent), 'content-type': 'application/yaml' })
    response.end(this.text)
  }

  private signature(response: ServerResponse): void {
    if (this.signer === undefined) response.writeHead(404).end()
    else response.end(`${sign(null, Buffer.from(this.text), this.signer).toString('base64')}\n`)
  }
}

/** A key to sign with; `pem`: its public half. */
export function signingPair(): { readonly pem: string; readonly key: KeyObject } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  return { pem: publicKey.export({ type: 'spki', format: 'pem' }) as string, key: privateKey }
}
