import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { LARGE_BYTES, SLOW_MS, STREAM_MS } from './load.ts'

/** Of upstream.ts: an endpoint that tells its port, and closes and opens it by messages. */
const EVENT_MS = 250
const LARGE = Buffer.alloc(LARGE_BYTES, 'x')
const sockets = new Set<Socket>()
let port = 0
let server = listen()

function listen(): ReturnType<typeof createServer> {
  const made = createServer(serve).listen(port, '127.0.0.1', () => {
    port = (made.address() as AddressInfo).port
    process.send?.(port)
  })
  made.keepAliveTimeout = 60_000
  made.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
  })
  return made
}

function serve(request: IncomingMessage, response: ServerResponse): void {
  request.on('error', () => {})
  response.on('error', () => {})
  const [path] = (request.url as string).split('?', 1)
  if (path === '/events') events(response)
  else if (path === '/large') response.writeHead(200, { 'content-length': LARGE.length }).end(LARGE)
  else if (path === '/slow') setTimeout(() => whole(response, 'slow'), SLOW_MS)
  else {
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    request.on('end', () => whole(response, `${bytes}`))
    return
  }
  request.resume()
}

function whole(response: ServerResponse, text: string): void {
  if (!response.destroyed) response.writeHead(200, { 'content-length': text.length }).end(text)
}

/** A stream that ends by itself. */
function events(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  let left = STREAM_MS / EVENT_MS
  const timer = setInterval(() => {
    if (left-- > 0) response.write(`data: ${left}\n\n`)
    else response.end()
  }, EVENT_MS)
  response.on('close', () => clearInterval(timer))
}

process.on('message', (wanted) => {
  if (wanted === 'up') server = listen()
  else {
    server.close(() => process.send?.(0))
    for (const socket of sockets) socket.destroy()
  }
})
process.on('disconnect', () => process.exit())
