import { parseArgs } from 'node:util'
import { against, MOST } from './against.ts'
import type { Peer, Scenario } from './contract.ts'
import { MODES, type Mode } from './modes.ts'
import type { Bound } from './required.ts'

export interface Wanted {
  readonly mode: Mode
  readonly peers: readonly Peer[]
  readonly scenarios: readonly Scenario[]
  /** Those of the mode whose peers and scenario were asked for. */
  readonly bounds: readonly Bound[]
  /** The peer that ratios refer to: the mode's, or the first where that was not asked for. */
  readonly reference: string
  readonly warmUp: number
  readonly seconds: number
  readonly rounds: number
  /** A bound that does not hold is exit code 1. */
  readonly require: boolean
  /** Folder for the results in the place of test/bench/results. */
  readonly out: string | undefined
  /** Everything that the mode's results show, often enough to keep them. */
  readonly whole: boolean
}

const OTHER_MODES = MODES.slice(1)

export const USAGE = `npm run bench -- [${OTHER_MODES.map(({ name }) => `--${name}`).join(' | ')} | --against FOLDER [--at-most N]]
  [--peers A,B]
  [--scenarios S,T] [--warm-up N] [--seconds N] [--rounds N] [--require] [--out FOLDER]
`

/** Throws with what is wrong. */
export function readArgs(args: readonly string[]): Wanted {
  const flag = { type: 'boolean', default: false } as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...Object.fromEntries(OTHER_MODES.map(({ name }) => [name, flag] as const)),
      peers: { type: 'string' },
      scenarios: { type: 'string' },
      'warm-up': { type: 'string', default: '5' },
      seconds: { type: 'string', default: '2' },
      rounds: { type: 'string', default: '6' },
      require: flag,
      against: { type: 'string' },
      'at-most': { type: 'string', default: String(MOST) },
      out: { type: 'string' },
    },
  })
  const asked = OTHER_MODES.filter(({ name }) => (values as Record<string, unknown>)[name] === true)
  if (typeof values.against === 'string')
    asked.push(against(values.against, quotient(values['at-most']), MODES[0].scenarios, MODES[0].scenarios.slice(0, 1)))
  if (asked.length > 1) throw new Error(`one of ${asked.map(({ name }) => `--${name}`).join(', ')} at a time`)
  const mode = asked[0] ?? MODES[0]
  const rounds = whole('rounds', values.rounds, 50)
  const peers = chosen('peer', values.peers, mode.peers, mode.peers)
  const scenarios = chosen('scenario', values.scenarios, mode.scenarios, mode.usual)
  const bounds = mode.bounds.filter(
    ({ peer, to, scenario }) =>
      [peer, to].every((name) => peers.some((one) => one.name === name)) &&
      scenarios.some((one) => one.name === scenario),
  )
  if (values.require === true && bounds.length === 0 && mode.extra === undefined)
    throw new Error('--require: nothing is required of this choice')
  return {
    mode,
    peers,
    scenarios,
    bounds,
    reference: (peers.find(({ name }) => name === mode.reference) ?? (peers[0] as Peer)).name,
    warmUp: whole('warm-up', values['warm-up'], 120),
    seconds: whole('seconds', values.seconds, 120),
    rounds,
    require: values.require === true,
    out: typeof values.out === 'string' ? values.out : undefined,
    whole: values.peers === undefined && values.scenarios === undefined && rounds >= mode.fewestRounds,
  }
}

function chosen<T extends { readonly name: string }>(
  what: string,
  wanted: string | boolean | undefined,
  known: readonly T[],
  usual: readonly T[],
): readonly T[] {
  if (typeof wanted !== 'string') return usual
  return wanted.split(',').map((name) => {
    const found = known.find((one) => one.name === name)
    if (found === undefined) throw new Error(`no ${what} ${name}; there are ${known.map((one) => one.name).join(', ')}`)
    return found
  })
}

function quotient(text: string | boolean | undefined): number {
  const value = Number(text)
  if (!(value > 0 && value <= 10)) throw new Error('--at-most: a number above 0, up to 10')
  return value
}

function whole(what: string, text: string | boolean | undefined, most: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > most)
    throw new Error(`--${what}: a whole number from 1 to ${most}`)
  return value
}
