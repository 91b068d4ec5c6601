import proxy from '@fastify/http-proxy'
import fastify from 'fastify'

/** `node fastify-http-proxy.ts PORT BACKEND_PORT` */
const [port, backend] = process.argv.slice(2).map(Number) as [number, number]
const app = fastify({ logger: false, bodyLimit: 16_777_216 })
app.register(proxy, { upstream: `http://127.0.0.1:${backend}`, undici: { connections: 256, pipelining: 1 } })
await app.listen({ host: '127.0.0.1', port })
