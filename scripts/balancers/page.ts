import { filledBlocks } from '../blocks.ts'
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
      note: `${BUSY.toLocaleString('en')} requests per second, ${MEAN_MS} ms each in the mean; logarithmic`,
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

/** The page with all that is simulated filled in. */
export function balancersPage(page: string, found: Results): string {
  const texts = simulated(found)
  const left = new Set(texts.keys())
  const filled = filledBlocks(page, 'simulated', (name) => {
    if (!left.delete(name)) throw new Error(`nothing that is simulated is called ${name}, or the page has it twice`)
    return texts.get(name) as string
  })
  if (left.size > 0) throw new Error(`the page has no block for ${[...left].join(', ')}`)
  return filled
}

function simulated({ bounds, disruption, slow, spread }: Results): ReadonlyMap<string, string> {
  const failing = slow.filter(
    ({ algorithm, perSecond }) => perSecond === LOADS[1] && /least|ewma|robin/.test(algorithm),
  )
  const texts = {
    slow: `Three endpoints that take ${MEAN_MS} ms in the mean (lognormal, as real services are); then the first takes ${SLOWER} times longer. 99th
percentile of all requests, in ms, and the share of the requests that the slow one still gets:

| algorithm | requests per second | all healthy | one slow | | share of the slow one |
|---|---|---|---|---|---|
${slow.map((row) => `| \`${row.algorithm}\` | ${row.perSecond.toLocaleString('en')} | ${whole(row.calm)} | ${whole(row.slow)} | ${(row.slow / row.calm).toFixed(1)}x | ${percent(row.shareOfSlow)} |`).join('\n')}`,
    failing: `An endpoint that answers a failure after a tenth of the time gets, at ${(LOADS[1] as number).toLocaleString('en')} requests per second: ${failing
      .map(({ algorithm, shareOfFailing }) => `${percent(shareOfFailing)} (\`${algorithm}\`)`)
      .join(', ')}.`,
    spread: `| algorithm | mean | greatest |
|---|---|---|
${spread.map(({ algorithm, mean, worst }) => `| \`${algorithm}\` | ${percent(mean)} | ${percent(worst)} |`).join('\n')}`,
    disruption: `| | keys that move | of those whose endpoint is still there |
|---|---|---|
${disruption.map(({ moved, name, needless }) => `| ${name} | ${percent(moved)} | ${percent(needless)} |`).join('\n')}`,
    bounds: `| algorithm | off | 125 % |
|---|---|---|
${bounds.map(({ algorithm, bounded, unbounded }) => `| \`${algorithm}\` | ${unbounded.toFixed(1)}x | ${bounded.toFixed(1)}x |`).join('\n')}`,
  }
  return new Map(Object.entries(texts))
}

function percent(share: number): string {
  const value = share * 100
  return `${value >= 10 || value === 0 ? value.toFixed(0) : value.toFixed(1)} %`
}

function whole(ms: number): string {
  return Math.round(ms).toLocaleString('en')
}
