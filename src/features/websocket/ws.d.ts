/** Of the package `ws`, which brings no types: what Sluice and its tests use. */
declare module 'ws' {
  import type { EventEmitter } from 'node:events'
  import type { Agent, ClientRequest, IncomingMessage, Server } from 'node:http'
  import type { Duplex, Writable } from 'node:stream'

  type Data = string | Buffer | ArrayBuffer | Uint8Array
  type Sent = (error?: Error) => void

  interface DeflateOptions {
    /** Bytes: shorter messages go out as they are. */
    threshold?: number
    serverNoContextTakeover?: boolean
    clientNoContextTakeover?: boolean
    concurrencyLimit?: number
  }

  /** Of both ends. */
  interface EndOptions {
    perMessageDeflate?: boolean | DeflateOptions
    /** Bytes of a message. */
    maxPayload?: number
    maxFragments?: number
    maxBufferedChunks?: number
    skipUTF8Validation?: boolean
    allowSynchronousEvents?: boolean
    autoPong?: boolean
    maxPendingAutoPongs?: number
    /** Milliseconds from our Close to the end of the socket. */
    closeTimeout?: number
  }

  interface ClientOptions extends EndOptions {
    headers?: Readonly<Record<string, string>>
    origin?: string
    agent?: Agent
    handshakeTimeout?: number
    rejectUnauthorized?: boolean
    ca?: string | Buffer
    servername?: string
    protocolVersion?: 8 | 13
    createConnection?: () => Duplex
  }

  interface ServerOptions extends EndOptions {
    host?: string
    port?: number
    server?: Server
    noServer?: boolean
    path?: string
    clientTracking?: boolean
    verifyClient?: (info: unknown, done: (ok: boolean, status?: number) => void) => void
    handleProtocols?: (offered: Set<string>, request: IncomingMessage) => string | false
  }

  interface SendOptions {
    binary?: boolean
    compress?: boolean
    fin?: boolean
    mask?: boolean
  }

  interface WebSocketEvents {
    open: []
    message: [data: Buffer, isBinary: boolean]
    ping: [data: Buffer]
    pong: [data: Buffer]
    close: [code: number, reason: Buffer]
    error: [error: Error]
    upgrade: [response: IncomingMessage]
    'unexpected-response': [request: ClientRequest, response: IncomingMessage]
  }

  class WebSocket extends EventEmitter<WebSocketEvents> {
    static readonly CONNECTING: 0
    static readonly OPEN: 1
    static readonly CLOSING: 2
    static readonly CLOSED: 3
    constructor(address: string | URL, protocols?: string | readonly string[], options?: ClientOptions)
    constructor(address: string | URL, options?: ClientOptions)
    readonly readyState: 0 | 1 | 2 | 3
    readonly protocol: string
    readonly extensions: string
    /** Bytes that `send` took and the socket has not. */
    readonly bufferedAmount: number
    readonly isPaused: boolean
    binaryType: 'nodebuffer' | 'arraybuffer' | 'fragments'
    send(data: Data, sent?: Sent): void
    send(data: Data, options: SendOptions, sent?: Sent): void
    ping(data?: Data, mask?: boolean, sent?: Sent): void
    pong(data?: Data, mask?: boolean, sent?: Sent): void
    close(code?: number, reason?: string | Buffer): void
    /** Destroys the socket. */
    terminate(): void
    pause(): void
    resume(): void
  }

  interface WebSocketServerEvents {
    connection: [socket: WebSocket, request: IncomingMessage]
    headers: [headers: string[], request: IncomingMessage]
    listening: []
    close: []
    error: [error: Error]
  }

  class WebSocketServer extends EventEmitter<WebSocketServerEvents> {
    constructor(options: ServerOptions, listening?: () => void)
    readonly clients: Set<WebSocket>
    address(): { readonly port: number } | string | null
    handleUpgrade(
      request: IncomingMessage,
      socket: Duplex,
      head: Buffer,
      done: (socket: WebSocket, request: IncomingMessage) => void,
    ): void
    close(closed?: (error?: Error) => void): void
  }

  /** Extensions by name, as {@link Receiver} and {@link Sender} take them. */
  type Extensions = Readonly<Record<string, PerMessageDeflate>>

  class PerMessageDeflate {
    static readonly extensionName: 'permessage-deflate'
    constructor(options?: DeflateOptions & { readonly isServer?: boolean; readonly maxPayload?: number })
    readonly params: Readonly<Record<string, unknown>> | null
    offer(): Readonly<Record<string, unknown>>
    accept(configurations: readonly Readonly<Record<string, unknown>>[]): Readonly<Record<string, unknown>>
    cleanup(): void
  }

  interface ReceiverEvents {
    message: [data: Buffer, isBinary: boolean]
    ping: [data: Buffer]
    pong: [data: Buffer]
    /** The peer's Close: 1005 without a code. */
    conclude: [code: number, reason: Buffer]
    drain: []
    error: [error: Error]
    finish: []
    close: []
  }

  /** Reads frames of the bytes that are written to it. `isServer`: they come from a client. */
  class Receiver extends Writable {
    constructor(options?: EndOptions & { readonly isServer?: boolean; readonly extensions?: Extensions })
    override on<K extends keyof ReceiverEvents>(name: K, listener: (...args: ReceiverEvents[K]) => void): this
  }

  interface FrameOptions {
    readonly binary: boolean
    readonly compress: boolean
    readonly fin: boolean
    readonly mask: boolean
  }

  /** Writes frames to a stream. */
  class Sender {
    constructor(socket: Duplex, extensions?: Extensions, generateMask?: (mask: Buffer) => void)
    send(data: Data, options: FrameOptions, sent?: Sent): void
    ping(data: Data, mask: boolean, sent?: Sent): void
    pong(data: Data, mask: boolean, sent?: Sent): void
    close(code: number | undefined, reason: string | Buffer, mask: boolean, sent?: Sent): void
  }

  export type { ClientOptions, DeflateOptions, SendOptions, ServerOptions }
  export { PerMessageDeflate, Receiver, Sender, WebSocket, WebSocketServer }
  export default WebSocket
}
