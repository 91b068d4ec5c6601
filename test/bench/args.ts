import { parseArgs } from 'node:util'
import type { Peer, Scenario } from './contract.ts'
import { MODES, type Mode } from './modes.ts'

export interface Wanted {
  readonly mode: Mode
  readonly peers: readonly Peer[]
  readonly scenarios: readonly Scenario[]
  readonly seconds: number
  readonly rounds: number
}

export const USAGE = `npm run bench -- [--${MODES.slice(1)
  .map(({ name }) => name)
  .join(' | --')}] [--peers A,B] [--scenarios S,T] [--seconds N] [--rounds N]
`

/** Throws with what is wrong. */
export function readArgs(args: readonly string[]): Wanted {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...Object.fromEntries(MODES.slice(1).map(({ name }) => [name, { type: 'boolean' }] as const)),
      peers: { type: 'string' },
      scenarios: { type: 'string' },
      seconds: { type: 'string', default: '5' },
      rounds: { type: 'string', default: '5' },
    },
  })
  const mode =
    MODES.slice(1).find(({ name }) => (values as Record<string, unknown>)[name] === true) ?? (MODES[0] as Mode)
  return {
    mode,
    peers: chosen('peer', values.peers, mode.peers, mode.peers),
    scenarios: chosen('scenario', values.scenarios, mode.scenarios, mode.usual),
    seconds: whole('seconds', values.seconds, 120),
    rounds: whole('rounds', values.rounds, 50),
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

function whole(what: string, text: string | boolean | undefined, most: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > most)
    throw new Error(`--${what}: a whole number from 1 to ${most}`)
  return value
}
