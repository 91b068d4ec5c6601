/**
 * A Fastify application that answers some requests itself, and has Sluice in front of two services for the others:
 * `node fastify.ts http://127.0.0.1:3001 http://127.0.0.1:3002`.
 */
import fastify, { type FastifyInstance, type FastifyPluginCallback } from 'fastify'
import { createGateway, type InlineGateway } from 'sluice'

/** All requests of the scope go to Sluice, before Fastify reads their bodies: they are streamed. */
function toSluice(gateway: InlineGateway): FastifyPluginCallback {
  return (scope, _options, done) => {
    scope.addHook('onRequest', (request, reply) => {
      reply.hijack()
      gateway.handler(request.raw, reply.raw)
    })
    // The hook has taken over by then: the route is there so that the scope has one.
    scope.all('/*', () => {})
    done()
  }
}

/** `orders` and `stock`: URLs of two services. */
export async function application(orders: string, stock: string): Promise<FastifyInstance> {
  const gateway = await createGateway({
    config: {
      apiVersion: 'sluice/v1',
      // Not opened: requests come from Fastify. Its limits hold for them.
      listeners: { web: { listen: '127.0.0.1:0' } },
      upstreams: { orders: { endpoints: [orders] }, stock: { endpoints: [stock] } },
      routes: {
        orders: { match: { path: '/api/orders/*' }, to: 'orders', timeouts: { request: '5s' } },
        stock: {
          match: { path: '/api/stock/*' },
          to: 'stock',
          fallback: { status: 200, body: 'many' },
        },
      },
    },
  })
  const app = fastify()
  app.get('/health', () => ({ drain: gateway.status().drain }))
  app.register(toSluice(gateway), { prefix: '/api' })
  app.addHook('onClose', () => gateway.close())
  return app
}

if (import.meta.main) {
  const [orders, stock] = process.argv.slice(2)
  if (orders === undefined || stock === undefined) throw new Error('which services?')
  const app = await application(orders, stock)
  console.log(await app.listen({ port: 8080 }))
}
