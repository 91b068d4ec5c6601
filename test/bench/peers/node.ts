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

export const bare = script(
  'bare',
  'bare.ts',
  'Sluice’s listener, pool and transport with hop-by-hop fields removed, and nothing else between them',
  '.',
)
