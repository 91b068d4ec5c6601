import { script } from './script.ts'

export const fastifyHttpProxy = script(
  '@fastify/http-proxy',
  'apps/fastify-http-proxy.ts',
  'npm package; undici pool of 256 connections, no log',
)

export const fastProxy = script(
  'fast-proxy',
  'apps/fast-proxy.ts',
  'npm package; undici pool of 256 connections, no log',
)

export const bare = script('bare', 'bare.ts', 'Sluice’s listener and transport with nothing between them')
