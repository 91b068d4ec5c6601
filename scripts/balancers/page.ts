import { type Panel, picture } from './picture.ts'
import {
  ALGORITHMS,
  type BoundRow,
  boundRow,
  type DisruptionRow,
  disruptionRows,
  LOADS,
  MEAN_MS,
  SLOWER,
  type SlowRow,
  type SpreadRow,
  slowRow,
  spreadRow,
} from './results.ts'

/** Everything that is simulated. */
export interface Results {
  readonly slow: readonly SlowRow[]
  readonly spread: readonly SpreadRow[]
  readonly disruption: readonly DisruptionRow[]
  readonly bounds: readonly BoundRow[]
}

export function results(): Results {
  return {
    slow: ALGORITHMS.flatMap((algorithm) => LOADS.map((load) => slowRow(algorithm, load))),
    spread: ALGORITHMS.map((algorithm) => spreadRow(algorithm)),
    disruption: disruptionRows(),
    bounds: [boundRow('ring-hash'), boundRow('maglev')],
  }
}

const BUSY = LOADS.at(-1) as number

export function balancersPicture({ disruption, slow, spread }: Results): string {
  const busy = slow.filter(({ perSecond }) => perSecond === BUSY)
  const calm = busy[0] as SlowRow
  const panels: Panel[] = [
    {
      title: `One of three endpoints becomes ${SLOWER} times slower: 99th percentile`,
      note: `${BUSY.toLocaleString('en')} requests a second, ${MEAN_MS} ms each in the mean; logarithmic`,
      logarithmic: true,
      bars: [
        { label: 'all three healthy', value: calm.calm, text: `${whole(calm.calm)} ms`, pale: true },
        ...busy.map((row) => ({
          label: row.algorithm,
          value: row.slow,
          text: `${whole(row.slow)} ms (${percent(row.shareOfSlow)} to the slow one)`,
        })),
      ],
    },
    {
      title: 'How far shares are from the weights',
      note: 'Ten idle endpoints of the weights 1 to 5, 100,000 keys; the one that is furthest off',
      logarithmic: false,
      bars: spread.map(({ algorithm, worst }) => ({ label: algorithm, value: worst, text: percent(worst) })),
    },
    {
      title: 'Keys that move when one of ten endpoints leaves',
      note: 'A tenth of them must: they were its own',
      logarithmic: false,
      bars: disruption.map(({ moved, name }) => ({ label: name, value: moved, text: percent(moved) })),
    },
  ]
  return picture('Behaviour of the balancing algorithms', panels)
}

export function balancersPage({ bounds, disruption, slow, spread }: Results): string {
  return `# Load balancing

Which endpoint gets the next attempt. All of this is under \`upstreams.NAME.loadBalancing\` unless another key is named; every
key is in [configuration.md](configuration.md). The numbers on this page come from simulations in virtual time of the very
code that runs, repeatable from their seed: \`npm run balancers\` writes the page and the picture, and a test fails where
they differ from what the code does.

An endpoint is chosen in this order: the one that a sticky cookie names; then the tiers, best first; in a tier the
endpoints of the preferred zone; among them what the algorithm says. Endpoints that are unhealthy, drained or at their
\`maxConcurrent\` are left out everywhere. A further attempt goes to an endpoint that has had none of this request, if there is one.

## Algorithms

| \`algorithm\` | chooses | for |
|---|---|---|
| \`least-request\` | the less busy of two drawn at random | the default; nearly everything |
| \`peak-ewma\` | of two the one with the lower product of latency and requests in flight | endpoints of different or changing speed |
| \`round-robin\` | in turn, smoothly by weight | endpoints that are all alike, short requests |
| \`random\` | any, by weight | comparison, and very many gateways |
| \`ring-hash\` | the owner of the key on a ring of 160 points for each unit of weight | caches in endpoints; least is moved when endpoints come and go |
| \`maglev\` | the owner of the key in a table of 65,537 places | the same, with a more even spread |

Weights count in all of them. Requests in flight are those of all workers. Latencies are each worker's own: a moving
average that jumps to every peak and fades over 10 s, also while nothing is heard, so that a slow endpoint gets requests again.
With \`least-request\` and \`peak-ewma\` an endpoint whose attempt failed (no answer, or a status from 500 on) loses against any
other for a second: one that fails at once has few requests in flight, and must not attract more for that.

![Behaviour of the balancing algorithms](images/load-balancing.svg)

### One slow endpoint

Three endpoints that take ${MEAN_MS} ms in the mean (lognormal, as real services are); then the first takes ${SLOWER} times longer. 99th
percentile of all requests, in ms, and the share of the requests that the slow one still gets:

| algorithm | requests a second | all healthy | one slow | | share of the slow one |
|---|---|---|---|---|---|
${slow.map((row) => `| \`${row.algorithm}\` | ${row.perSecond.toLocaleString('en')} | ${whole(row.calm)} | ${whole(row.slow)} | ${(row.slow / row.calm).toFixed(1)}x | ${percent(row.shareOfSlow)} |`).join('\n')}

\`least-request\` knows how many requests an endpoint has, not how long they take. It keeps as many in flight on the slow
one as on the others, and as that one takes ${SLOWER} times longer this is at least 1 % of all requests, more where there is little
load. If your 99th percentile must stand this, take \`peak-ewma\`.

An endpoint that answers a failure after a tenth of the time gets, at ${(LOADS[1] as number).toLocaleString('en')} requests a second: ${slow
    .filter(({ algorithm, perSecond }) => perSecond === LOADS[1] && /least|ewma|robin/.test(algorithm))
    .map(({ algorithm, shareOfFailing }) => `${percent(shareOfFailing)} (\`${algorithm}\`)`)
    .join(', ')}.

### Spread

Ten idle endpoints of the weights 1 to 5 and 100,000 requests with keys of their own. How far an endpoint's share is from
its weight, relative to it:

| algorithm | mean | greatest |
|---|---|---|
${spread.map(({ algorithm, mean, worst }) => `| \`${algorithm}\` | ${percent(mean)} | ${percent(worst)} |`).join('\n')}

### An endpoint leaves

One of ten endpoints leaves. A tenth of the keys must move; what else moves is needless:

| | keys that move | of those whose endpoint is still there |
|---|---|---|
${disruption.map(({ moved, name, needless }) => `| ${name} | ${percent(moved)} | ${percent(needless)} |`).join('\n')}

## Keys

\`ring-hash\` and \`maglev\` need \`hashOn\`: what the key is made of. It is one of \`{ header: NAME }\`, \`{ cookie: NAME }\`,
\`{ query: KEY }\`, \`{ client: address }\`, \`{ path: true }\`, or a list of which the first that a request has counts. A request
that has none goes to any endpoint, by weight. The same key goes to the same endpoint on every worker, every gateway with
the same endpoints, and after every restart. A request that comes to \`{ path: true }\` with a path that servers read in several
ways (\`/a//b\`) is [refused](failures.md#ambiguous_path): each way would be another key. Where such paths are data, say so in
[\`pathPolicy\`](configuration.md#pathpolicy).

**Bounded loads.** No endpoint takes more than \`balanceFactor\` (125 %) times its fair share of the requests in flight; what
is above goes on to the next owner of the key. Up to four requests in flight are always within the bound: where there is
little load, keeping keys together counts more. \`off\` switches it off. Twelve busy clients on five endpoints; the most
requests in flight on one, relative to the mean (from 30 in flight):

| algorithm | off | 125 % |
|---|---|---|
${bounds.map(({ algorithm, bounded, unbounded }) => `| \`${algorithm}\` | ${unbounded.toFixed(1)}x | ${bounded.toFixed(1)}x |`).join('\n')}

(One request may come on top where the share is no whole number.)

## Sticky cookies

\`\`\`yaml
loadBalancing:
  sticky: { cookie: server, ttl: 1h, secret: { env: STICKY_SECRET } }
\`\`\`

The first answer sets a cookie, and the client's next requests go to the endpoint that gave it. Its value is a keyed hash
(HMAC-SHA256) of the endpoint: it shows no address, and nobody without the secret can make one up. All gateways with the
same secret understand it. When the endpoint is gone, unhealthy, drained, full, or was used already, the algorithm
chooses, and the answer ties the client to the new one. An answer from 500 on ties nobody. The cookie is \`HttpOnly\`,
\`Path=/\`, \`SameSite=Lax\`, and \`Secure\` on listeners with TLS. It is an answer for one client: do not let shared caches keep
answers that carry it. A cookie wins over tier and zone.

## Several upstreams of a route

\`to: [{ upstream: orders, weight: 95 }, { upstream: orders-next, weight: 5 }]\`: each request begins at one of them, drawn by
weight, once; 0 never gets any. With \`spill\` (on unless it is \`off\`) one that could take no request gets none, and others have
its share for that time: where it has no endpoint that is in service, or where its circuit breaker is open or, while it probes
and comes back, refuses. The share goes, by weight, to those of at least a quarter of its weight that can take requests: a
canary of 5 % is never flooded by the 95 % of its neighbour, which then go to \`failover\`, or are refused. One that is merely
full keeps its share. \`sluice_spilled_total\` counts what moved.

A sticky cookie decides the upstream, too, as long as the route leads there and the endpoint is in service.

## Slow start

\`slowStart: 30s\`: an endpoint that recovered, was undrained or is new gets a tenth of its share, and its full share only
after so long, so that cold caches and pools can warm up. It works with every algorithm: an endpoint that was chosen is
passed over with the odds of what it lacks, as long as another one can be chosen. When all are warming up they share as
ever.

## Zones

\`zone: { prefer: a }\`, with \`zone\` on the endpoints: endpoints of zone \`a\` are used first, within each tier. All endpoints of
the tier are used while none of that zone is usable, or while its mean load for each unit of weight exceeds \`spillOver\`
(150 %) times that of the others plus one request. The gateway does not know where it runs: take it from the environment,
as in \`prefer: "\${ZONE}"\`.

## Shuffle sharding

\`subset: { size: 2, hashOn: { header: x-tenant } }\` (of the upstream): each key goes to a fixed set of two endpoints, and
the algorithm chooses among these. A tenant whose requests crash what they touch takes two endpoints down; of eight
endpoints, 27 of 28 pairs still have one left. It goes with every algorithm but \`ring-hash\` and \`maglev\`, which give each
key one endpoint anyway. In a zone that is preferred, the set's members there come first.

## A maximum for an endpoint

\`maxConcurrent\` on an endpoint bounds its requests in flight, those that wait for a connection included, of all workers
together, exactly. One that is full is passed over. When all are, the request is refused at once with 503 and the reason
[\`pool_full\`](failures.md#pool_full), as when all connections are busy and nobody more may wait.

## Panic

\`panicThreshold: 50%\` (of the upstream; 0 %, never, by default): while fewer than half of the endpoints are healthy, all are
used as if they were, as those that are left could not carry the load of all. Drained endpoints are never used and count on
neither side. \`sluice_upstream_panic\` is 1 meanwhile. Without it, unhealthy endpoints are used only when nothing else is
left.
`
}

function percent(share: number): string {
  const value = share * 100
  return `${value >= 10 || value === 0 ? value.toFixed(0) : value.toFixed(1)} %`
}

function whole(ms: number): string {
  return Math.round(ms).toLocaleString('en')
}
