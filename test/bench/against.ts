import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Peer, Row, Scenario } from './contract.ts'
import { median, percentile } from './median.ts'
import type { Extra, Mode } from './modes.ts'
import { sluicePeer } from './peers/sluice.ts'
import { tableOf } from './report.ts'
import { verdict } from './required.ts'

const [BEFORE, NOW] = ['before', 'now'] as const
/** A change may make a request so much dearer, where nothing else is asked for. */
export const MOST = 1.05

/** This checkout against another one (a `git worktree` with its dependencies), both with all defaults. */
export function against(
  folder: string,
  atMost: number,
  scenarios: readonly Scenario[],
  usual: readonly Scenario[],
): Mode {
  return {
    name: 'against',
    title: 'Now and before',
    peers: [
      versioned(sluicePeer({ name: BEFORE, about: 'all defaults', cli: join(folder, 'src/cli.ts') }), folder),
      versioned(sluicePeer({ name: NOW, about: 'all defaults' }), '.'),
    ],
    scenarios,
    usual,
    reference: BEFORE,
    fewestRounds: 10,
    bounds: [],
    latency: false,
    extra: (rows) => pairs(rows, atMost),
  }
}

/** How the quotients of the pairs are spread. */
export function pairs(rows: readonly Row[], atMost: number): Extra {
  const scenarios = [...new Set(rows.map(({ scenario }) => scenario))]
  const judged = scenarios.map((scenario) => {
    const [before, now] = [BEFORE, NOW].map((peer) =>
      rows.find((row) => row.peer === peer && row.scenario === scenario),
    )
    const errors = before?.errors !== 0 || now?.errors !== 0
    return { scenario, quotients: now?.quotients ?? [], errors }
  })
  return {
    heading: 'Pairs',
    text: tableOf(
      ['scenario', 'pairs', 'median', 'lower quartile', 'upper quartile', 'least', 'most'],
      judged.map(({ quotients, scenario }) => [
        scenario,
        String(quotients.length),
        ...[
          median(quotients),
          percentile(quotients, 0.25),
          percentile(quotients, 0.75),
          Math.min(...quotients),
          Math.max(...quotients),
        ].map((value) => `${value.toFixed(3)}x`),
      ]),
    ),
    required: judged.map(({ errors, quotients, scenario }) =>
      verdict(
        { what: `CPU per request, ${NOW} to ${BEFORE}, median of pairs`, scenario, atMost },
        median(quotients),
        errors ? 'errors' : undefined,
      ),
    ),
  }
}

function versioned(peer: Peer, folder: string): Peer {
  return {
    ...peer,
    version: async () => {
      const { stdout } = await promisify(execFile)('git', ['-C', folder, 'rev-parse', '--short', 'HEAD'])
      return stdout.trim()
    },
  }
}
