import { createServer, type Server, type Socket } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import { CellSpace } from '../../../src/cells/space.ts'
import type { FromWorker, ToWorker, UpstreamEndpoints, WorkerStart } from '../../../src/core/protocol.ts'

type Listen = Extract<ToWorker, { type: 'listen' }>
type Chunk = Extract<ToWorker, { type: 'chunk' }>

/**
 * A worker that speaks the whole protocol and serves almost nothing: every request gets a JSON line that says who
 * answers, with which generation, and what it knows. `GET /hold` takes a permit of the first endpoint and never answers.
 */
export class FixtureWorker {
  readonly start = workerData as WorkerStart
  readonly space = new CellSpace(this.start.workers, this.start.worker)
  private readonly servers = new Map<string, Server>()
  private readonly sockets = new Set<Socket>()
  private readonly endpoints = new Map<string, UpstreamEndpoints>()
  private preparing: Chunk[] = []
  private generation = 0
  private draining = false
  private open = 0

  post(message: FromWorker): void {
    parentPort?.postMessage(message)
  }

  run(): void {
    this.space.add(this.start.pages)
    this.space.add(this.start.floats)
    this.beat()
    parentPort?.on('message', (message: ToWorker) => this.receive(message))
    this.post({ type: 'ready' })
  }

  /** What becomes of the last chunk; others override it. */
  prepared(generation: number): FromWorker {
    return { type: 'prepared', generation, without: [] }
  }

  private receive(message: ToWorker): void {
    switch (message.type) {
      case 'pages':
        this.space.add(message.pages)
        return
      case 'prepare':
        this.preparing = []
        this.post({ type: 'ack', generation: message.head.generation })
        return
      case 'chunk':
        this.preparing.push(message)
        this.post(message.last ? this.prepared(message.generation) : { type: 'ack', generation: message.generation })
        return
      case 'commit':
        this.commit(message.generation)
        return
      case 'endpoints':
        for (const set of message.sets) this.endpoints.set(set.upstream, set)
        this.post({ type: 'updated', update: message.update })
        return
      case 'listen':
        this.listen(message)
        return
      case 'close-listener':
        this.servers.get(message.id)?.close()
        this.servers.delete(message.id)
        return
      case 'drain':
        this.draining = true
        return
      case 'unlisten':
        for (const server of this.servers.values()) server.close()
        this.servers.clear()
        this.idle()
        return
      case 'cut':
        for (const socket of this.sockets) socket.destroy()
        return
      case 'hook':
        if (message.hook === 'exit') process.exit(1)
        if (message.hook === 'throw') throw new Error('thrown by a test')
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, message.ms)
    }
  }

  private commit(generation: number): void {
    const before = this.generation
    this.generation = generation
    for (const chunk of this.preparing) for (const set of chunk.endpoints) this.endpoints.set(set.upstream, set)
    this.post({ type: 'committed', generation })
    if (before > 0) this.post({ type: 'retired', generation: before })
  }

  private listen({ id, listener, reusePort }: Listen): void {
    const server = createServer((socket) => this.serve(socket))
    server.on('error', (error: NodeJS.ErrnoException) =>
      this.post({ type: 'listen-failed', id, code: error.code ?? '' }),
    )
    server.listen({ host: listener.host, port: listener.port, reusePort }, () => {
      this.servers.set(id, server)
      this.post({ type: 'listening', id, port: (server.address() as { port: number }).port })
    })
  }

  private serve(socket: Socket): void {
    this.open++
    this.sockets.add(socket)
    let held = (): void => {}
    socket.on('error', () => {})
    socket.on('data', (data) => {
      const ref = this.endpoints.values().next().value?.endpoints[0]?.cells.inFlight
      if (!data.includes('/hold')) return void socket.end(this.answer())
      if (ref === undefined) return
      const cell = this.space.held(ref)
      cell.take()
      held = () => cell.give()
    })
    socket.on('close', () => {
      held()
      this.sockets.delete(socket)
      this.open--
      this.idle()
    })
  }

  private answer(): string {
    const { draining, generation, start } = this
    const addresses = [...this.endpoints.values()].flatMap((set) => set.endpoints.map((endpoint) => endpoint.address))
    const body = JSON.stringify({ worker: start.worker, generation, draining, addresses })
    return `HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  }

  private idle(): void {
    if (this.servers.size === 0 && this.open === 0) this.post({ type: 'idle' })
  }

  private beat(): void {
    const { heartbeat } = this.start
    const store = (): void => {
      Atomics.store(this.space.int32(heartbeat), heartbeat.slot, Math.trunc(performance.now()))
    }
    store()
    setInterval(store, 250)
  }
}
