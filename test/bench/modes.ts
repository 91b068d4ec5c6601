import type { Peer, Scenario } from './contract.ts'
import { caddy } from './peers/caddy.ts'
import { haproxy } from './peers/haproxy.ts'
import { nginx } from './peers/nginx.ts'
import { bare, fastifyHttpProxy, fastProxy } from './peers/node.ts'
import { sluice, sluiceCompiled, sluicePeer } from './peers/sluice.ts'
import type { Bound } from './report.ts'
import { SCENARIOS, SPREAD } from './scenarios.ts'

/** One question that the bench answers. */
export interface Mode {
  /** Also the name of its result files. */
  readonly name: string
  readonly title: string
  readonly peers: readonly Peer[]
  readonly scenarios: readonly Scenario[]
  /** Scenarios when none are asked for. */
  readonly usual: readonly Scenario[]
  readonly reference: string
  readonly bounds: readonly Bound[]
  readonly latency: boolean
}

const small = (SCENARIOS as readonly [Scenario])[0]

const peers: Mode = {
  name: 'peers',
  title: 'Sluice and its peers',
  peers: [nginx, haproxy, caddy, fastifyHttpProxy, fastProxy, bare, sluice, sluiceCompiled],
  scenarios: SCENARIOS,
  usual: SCENARIOS,
  reference: 'nginx',
  bounds: [
    { peer: 'sluice', to: '@fastify/http-proxy', scenario: small.name, atMost: 0.5 },
    { peer: 'sluice', to: 'caddy', scenario: small.name, atMost: 0.6 },
    { peer: 'sluice', to: 'nginx', scenario: small.name, atMost: 2.5 },
  ],
  latency: true,
}

const workers: Mode = {
  name: 'workers',
  title: 'One worker and two on the same core',
  peers: [1, 2].map((count) =>
    sluicePeer({ name: `workers-${count}`, about: `all defaults, workers: ${count}`, workers: count }),
  ),
  scenarios: SCENARIOS,
  usual: [small],
  reference: 'workers-1',
  bounds: [{ peer: 'workers-2', to: 'workers-1', scenario: small.name, atMost: 1.1 }],
  latency: false,
}

const routes: Mode = {
  name: 'routes',
  title: 'Ten routes and ten thousand',
  peers: [10, 10_000].map((count) =>
    sluicePeer({ name: `routes-${count}`, about: `${count} routes of distinct hosts and prefixes`, routes: count }),
  ),
  scenarios: [SPREAD],
  usual: [SPREAD],
  reference: 'routes-10',
  bounds: [{ peer: 'routes-10000', to: 'routes-10', scenario: SPREAD.name, atMost: 1.1 }],
  latency: false,
}

export const MODES: readonly Mode[] = [peers, workers, routes]
