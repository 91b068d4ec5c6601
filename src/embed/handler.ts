import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { InlineWorkers } from '../control/workers/inline.ts'
import type { RequestHandler } from './api.ts'

const GONE = 'The gateway is closed.'

export function requestHandler(workers: InlineWorkers): RequestHandler {
  const handle = (req: IncomingMessage, res: ServerResponse): void => {
    const { borrowed } = workers
    if (borrowed !== undefined) borrowed.handle(req, res)
    else res.writeHead(503, { connection: 'close', 'retry-after': '1' }).end(GONE)
  }
  return Object.assign(handle, {
    upgrade(req: IncomingMessage, socket: Duplex): void {
      const { borrowed } = workers
      if (borrowed !== undefined) borrowed.upgrade(req, socket)
      else socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    },
  })
}
