import type { Peer, Row, Scenario } from './contract.ts'
import { costPeers, LOG_AND_METRICS, seeingPeers, TRACES, UNSEEN } from './costs.ts'
import { lookUps, lookUpTable, lookUpVerdicts } from './lookups.ts'
import { caddy } from './peers/caddy.ts'
import { haproxy } from './peers/haproxy.ts'
import { nginx } from './peers/nginx.ts'
import { bare, fastifyHttpProxy, fastProxy, lean } from './peers/node.ts'
import { sluice, sluiceCompiled, sluiceLogged, sluicePeer } from './peers/sluice.ts'
import type { Bound, Kind, Verdict } from './required.ts'
import { BIG, HOT, SCENARIOS, SPREAD } from './scenarios.ts'

/** What a mode measures besides its peers. */
export interface Extra {
  readonly heading: string
  readonly text: string
  readonly required: readonly Verdict[]
}

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
  /** Rounds from which on results are kept. */
  readonly fewestRounds: number
  readonly extra?: (rows: readonly Row[]) => Extra
}

const FEWEST_ROUNDS = 6
const [small, json10k, body1m, post1k] = SCENARIOS as readonly [Scenario, Scenario, Scenario, Scenario]

/** On what Sluice costs beside a peer. */
function bound(to: Peer, { name }: Scenario, atMost: number, kind: Kind): Bound {
  return { peer: sluice.name, to: to.name, scenario: name, atMost, kind }
}

const peers: Mode = {
  name: 'peers',
  title: 'Sluice and its peers',
  peers: [nginx, haproxy, caddy, fastifyHttpProxy, fastProxy, lean, bare, sluice, sluiceLogged, sluiceCompiled],
  scenarios: SCENARIOS,
  usual: SCENARIOS,
  reference: nginx.name,
  bounds: [
    bound(lean, small, 1.3, 'bar'),
    { ...bound(lean, small, 8, 'bar'), of: 'cpu µs' },
    bound(nginx, small, 1.35, 'aim'),
    bound(fastifyHttpProxy, small, 0.45, 'aim'),
    bound(caddy, small, 0.5, 'aim'),
    bound(nginx, json10k, 1.8, 'bar'),
    { ...bound(nginx, json10k, 2, 'bar'), of: 'p99' },
    bound(nginx, post1k, 1.5, 'bar'),
    bound(nginx, body1m, 1.25, 'bar'),
  ],
  latency: true,
  fewestRounds: FEWEST_ROUNDS,
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
  bounds: [{ peer: 'workers-2', to: 'workers-1', scenario: small.name, atMost: 1.1, kind: 'bar' }],
  latency: false,
  fewestRounds: FEWEST_ROUNDS,
}

const routes: Mode = {
  name: 'routes',
  title: 'Ten routes to ten thousand',
  peers: [10, 100, 1_000, 10_000].map((count) =>
    sluicePeer({ name: `routes-${count}`, about: `${count} routes of distinct hosts and prefixes`, routes: count }),
  ),
  scenarios: [SPREAD, HOT],
  usual: [SPREAD, HOT],
  reference: 'routes-10',
  bounds: [SPREAD, HOT].map(({ name }) => ({
    peer: 'routes-10000',
    to: 'routes-10',
    scenario: name,
    atMost: 1.1,
    kind: 'bar',
  })),
  latency: false,
  fewestRounds: FEWEST_ROUNDS,
  extra() {
    const found = lookUps()
    return { heading: 'Look-ups alone', text: lookUpTable(found), required: lookUpVerdicts(found) }
  },
}

const costs: Mode = {
  name: 'costs',
  title: 'What each policy and stage costs',
  peers: costPeers,
  scenarios: SCENARIOS,
  usual: [small],
  reference: 'all on',
  bounds: [],
  latency: false,
  fewestRounds: FEWEST_ROUNDS,
}

const seeing: Mode = {
  name: 'seeing',
  title: 'What log, metrics and traces cost',
  peers: seeingPeers,
  scenarios: SCENARIOS,
  usual: [small],
  reference: UNSEEN,
  bounds: [
    // A tenth of the whole is a ninth of the rest.
    { peer: TRACES, to: UNSEEN, scenario: small.name, atMost: 1.11, kind: 'bar' },
    { peer: TRACES, to: LOG_AND_METRICS, scenario: small.name, atMost: 1.03, kind: 'bar' },
  ],
  latency: false,
  fewestRounds: FEWEST_ROUNDS,
}

const EARLY = 'early'
const LATE = 'late'

const collection: Mode = {
  name: 'collection',
  title: 'What freeing read buffers early saves',
  peers: [
    sluicePeer({ name: EARLY, about: 'all defaults: dead read buffers are freed every 32 MiB' }),
    sluicePeer({ name: LATE, about: 'earlyCollection: false, V8 alone frees them', root: ['earlyCollection: false'] }),
  ],
  scenarios: [json10k, BIG],
  usual: [json10k, BIG],
  reference: LATE,
  bounds: [{ peer: EARLY, to: LATE, scenario: BIG.name, atMost: 1, kind: 'bar' }],
  latency: false,
  fewestRounds: FEWEST_ROUNDS,
}

/** The first is what runs when none is asked for. */
export const MODES: readonly [Mode, ...Mode[]] = [peers, workers, routes, costs, seeing, collection]
