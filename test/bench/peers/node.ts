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
  { only: ['small'] },
)

export const lean = script(
  'lean',
  'apps/lean.ts',
  'a server and a client over sockets in 160 lines: the least that a proxy on Node can do',
  { of: '.', only: ['small', 'json10k'] },
)

export const bare = script(
  'bare',
  'bare.ts',
  'Sluice’s listener, pool and transport with hop-by-hop fields removed, and nothing else between them',
  { of: '.', only: ['small', 'json10k'] },
)
