import { createServer } from 'node:http'
import fastProxy from 'fast-proxy'

/** `node fast-proxy.ts PORT BACKEND_PORT` */
const [port, backend] = process.argv.slice(2).map(Number) as [number, number]
const { proxy } = fastProxy({ base: `http://127.0.0.1:${backend}`, undici: { connections: 256, pipelining: 1 } })
createServer((request, response) => proxy(request, response, request.url ?? '/', {})).listen(port, '127.0.0.1')
