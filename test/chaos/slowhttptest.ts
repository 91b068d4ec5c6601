/**
 * `npm run chaos:slowhttptest`: slowhttptest with 400 connections for 30 s, in each of its modes, against a gateway with
 * default limits, and what another client sees meanwhile. Slow readers are fewer: over loopback each of them takes some 8 MB of
 * the memory that the system has for sockets.
 */
import { type Attack, attacked } from '../kit/slowhttptest.ts'

const SECONDS = 30
const ATTACKS: readonly Attack[] = [
  ['H', 400],
  ['B', 400],
  ['X', 100],
]

for (const attack of ATTACKS) {
  const seen = await attacked([attack], SECONDS)
  process.stdout.write(`-${attack.join(' ')}: ${JSON.stringify(seen)}\n`)
  if (seen.failed > 0) process.exitCode = 1
}
