import { tableOf } from '../bench/report.ts'

/** One look at the gateway. */
export interface Sample {
  /** Seconds since the load began. */
  readonly at: number
  /** Bytes. */
  readonly pss: number
  readonly rss: number
  /** Of the workers that answered, together, bytes: heaps, and memory that V8 does not manage. */
  readonly heap: number
  readonly external: number
  /** Requests that ended since the last look, per second. */
  readonly rate: number
  /** Failures that were explained, since the beginning. */
  readonly failures: number
}

export interface SoakVerdict {
  readonly what: string
  readonly bound: string
  readonly measured: string
  /** undefined: the run was too short to say. */
  readonly holds: boolean | undefined
}

/** What is judged of memory: the end, when all that grows at first has grown. */
const JUDGED_MINUTES = 20
/** Below this the warm-up is a part of what would be judged. */
const SHORTEST_MINUTES = 25
const MOST_GROWTH = 1

/** Megabytes per minute: least squares over the samples of the last `minutes`. */
export function slope(samples: readonly Sample[], minutes: number): number {
  const from = (samples.at(-1)?.at ?? 0) - minutes * 60
  const points = samples.filter(({ at }) => at >= from).map(({ at, pss }) => [at / 60, pss / 1e6] as const)
  const mean = (of: 0 | 1): number => points.reduce((sum, point) => sum + point[of], 0) / points.length
  const [x, y] = [mean(0), mean(1)]
  let [products, squares] = [0, 0]
  for (const [px, py] of points) {
    products += (px - x) * (py - y)
    squares += (px - x) ** 2
  }
  return products / squares
}

export interface SoakFacts {
  readonly minutes: number
  readonly samples: readonly Sample[]
  /** Requests that clients began, and lines of the access log. */
  readonly begun: number
  readonly lines: number
  /** The sum over `sluice_requests_total`, and of it what was counted in the place of workers that ended. */
  readonly counted: number
  readonly workerLost: number
  /** Lines without a request, requests without a line for no reason that is known. */
  readonly strange: number
  readonly lost: number
  /** Requests without a line since their worker ended, or since their client left before they were read. */
  readonly workerEnded: number
  readonly left: number
  readonly lostEnds: number
  readonly dropped: number
  /** What gauges still show when all clients have gone. */
  readonly held: Readonly<Record<string, number>>
  readonly unexplained: number
  /** Lines of level error in the operational log that no ended worker accounts for. */
  readonly errors: number
  readonly exitCode: number | null
}

export function judge(facts: SoakFacts): SoakVerdict[] {
  const { begun, counted, dropped, errors, exitCode, held, left, lines, lost, lostEnds, minutes, workerLost } = facts
  const grown = slope(facts.samples, Math.min(JUDGED_MINUTES, minutes))
  const exact = (what: string, bound: number | string, measured: number | string | null): SoakVerdict => ({
    what,
    bound: String(bound),
    measured: String(measured),
    holds: bound === measured,
  })
  const heldAll = Object.values(held).reduce((sum, value) => sum + value, 0)
  return [
    {
      what: `growth of memory (PSS) in the last ${JUDGED_MINUTES} minutes, MB per minute`,
      bound: `below ${MOST_GROWTH}`,
      measured: grown.toFixed(2),
      holds: minutes < SHORTEST_MINUTES ? undefined : grown < MOST_GROWTH,
    },
    exact(
      'requests begun, less those of ended workers and those that were not read before their client left',
      lines,
      begun - facts.workerEnded - left,
    ),
    exact('requests without a line of the access log', 0, lost),
    exact('lines without a request of their own', 0, facts.strange),
    exact('requests in the metrics, less those of ended workers', lines, counted - workerLost),
    {
      what: 'requests that the metrics count as lost with their worker',
      bound: `at most ${facts.workerEnded + left}`,
      measured: String(workerLost),
      holds: workerLost <= facts.workerEnded + left,
    },
    exact('lines dropped', 0, dropped),
    exact('lost ends (`sluice_lost_ends_total`)', 0, lostEnds),
    exact('held when all clients have gone (in flight, waiting, permits)', 0, heldAll),
    exact('failures that nothing explains', 0, facts.unexplained),
    exact('errors in the operational log, but of ended workers', 0, errors),
    exact('exit code at the end', 0, exitCode),
  ]
}

export function verdictTable(verdicts: readonly SoakVerdict[]): string {
  return tableOf(
    ['what', 'required', 'measured', 'holds'],
    verdicts.map(({ bound, holds, measured, what }) => [
      what,
      bound,
      measured,
      holds === undefined ? 'run too short' : holds ? 'yes' : '**no**',
    ]),
  )
}
