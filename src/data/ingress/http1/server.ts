import type { Duplex } from 'node:stream'
import type { ListenerConfig } from '../../../core/config.ts'
import type { Arrival } from '../accept/peek.ts'
import type { ConnectionHost, Http1Server } from '../common/host.ts'
import { AnswerHeads } from './answer-heads.ts'
import { ServedConnection } from './connection.ts'
import { HeadReaders } from './head-readers.ts'

/** What the connections of one listener share. */
export interface Http1Shared {
  readonly host: ConnectionHost
  readonly config: ListenerConfig
  readonly heads: AnswerHeads
  readonly readers: HeadReaders
}

/** HTTP/1.1 straight over sockets. */
export class OwnHttp1 implements Http1Server {
  private readonly shared: Http1Shared

  constructor(host: ConnectionHost, config: ListenerConfig) {
    this.shared = {
      host,
      config,
      heads: new AnswerHeads(host, config.timeouts.keepAlive),
      readers: new HeadReaders(config.limits),
    }
  }

  matches(): boolean {
    return true
  }

  /** `socket`: of TCP, a path or TLS, or any other stream both ways. */
  accept(socket: Duplex, arrival: Arrival): ServedConnection {
    return new ServedConnection(this.shared, socket, arrival)
  }

  close(): void {
    this.shared.heads.close()
  }
}
