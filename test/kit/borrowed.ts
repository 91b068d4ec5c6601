import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { BorrowedRequests } from '../../src/data/ingress/node/borrowed.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { TimerWheel } from '../../src/lib/timers.ts'
import { Gate, type GateOptions, listenerConfig, type Respond } from './ingress.ts'

/** A node:http server of someone who lends its requests; makes it of what takes them. */
export type Lender = (requests: BorrowedRequests) => Server

const lend: Lender = (requests) => createServer((req, res) => requests.handle(req, res))

/** A gate in such a server: 127.0.0.1, port of the system. */
export class BorrowedGate extends Gate {
  private readonly lender: Lender
  private server!: Server
  requests!: BorrowedRequests
  /** Stage of overload. */
  readonly pressure = { stage: 0 }

  constructor(respond: Respond, lender: Lender = lend) {
    super(respond)
    this.lender = lender
  }

  override async start(options: GateOptions = {}): Promise<this> {
    const config = listenerConfig(options)
    this.timers = new TimerWheel(options.clock ?? systemClock)
    this.requests = new BorrowedRequests({
      listener: () => config,
      handler: this,
      timers: this.timers,
      pressure: this.pressure,
      fault: (_listener, rule) => void this.faults.push(rule),
    })
    this.server = this.lender(this.requests)
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve))
    this.port = (this.server.address() as AddressInfo).port
    return this
  }

  override async stop(): Promise<void> {
    for (const client of this.clients) client.close()
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
    this.timers.close()
  }
}
