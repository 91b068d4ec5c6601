import { createServer, type Server } from 'node:http'
import fastify from 'fastify'
import { BorrowedGate, type Lender } from '../kit/borrowed.ts'
import { sceneOver } from './downstream/scene-over.ts'
import { describeDownstream } from './downstream.ts'

const LENDERS: Readonly<Record<string, Lender | undefined>> = {
  'borrowed from node:http': undefined,
  'borrowed from node:http, with 100 Continue left to it': (requests) =>
    createServer((req, res) => requests.handle(req, res)).on('checkContinue', (req, res) => requests.handle(req, res)),
  'borrowed from Fastify': (requests) => {
    let server: Server
    const app = fastify({
      serverFactory: (handler) => {
        server = createServer(handler)
        return server
      },
    })
    app.addHook('onRequest', (request, reply) => {
      reply.hijack()
      requests.handle(request.raw, reply.raw)
    })
    void app.ready()
    return server!
  },
}

for (const [name, lender] of Object.entries(LENDERS))
  describeDownstream(
    name,
    async () => {
      const held = await new BorrowedGate(() => {}, lender).start({ timeouts: { body: 1_000 } })
      return { open: (request = {}) => sceneOver(held, request), stop: () => held.stop() }
    },
    { malformed: 'The server that lends it answers by itself, and closes the connection.' },
  )
