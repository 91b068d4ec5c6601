import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import { loadDeps } from '../../../src/config/load-deps.ts'
import { estimate } from '../../bench/bench.ts'
import { MODES } from '../../bench/modes.ts'

describe.each(MODES)('mode $name', ({ peers, usual, reference, bounds, latency }) => {
  it('refers to peers and scenarios that it has', () => {
    const names = peers.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names).toEqual(expect.arrayContaining([reference, ...bounds.flatMap(({ peer, to }) => [peer, to])]))
    expect(usual.map(({ name }) => name)).toEqual(expect.arrayContaining(bounds.map(({ scenario }) => scenario)))
  })

  it('says how long it takes, as a time that a timer takes', () => {
    const seconds = estimate({ peers, scenarios: usual, warmUp: 5, seconds: 2, rounds: 6, latency })
    expect(Number.isSafeInteger(seconds)).toBe(true)
    expect(seconds / 60).toBeLessThan(26)
  })

  // Switching one thing off is what lints warn of.
  it('gives Sluice configs without an error', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-test-'))
    try {
      const found: string[] = []
      for (const [index, peer] of peers.entries()) {
        const site = { folder: join(folder, String(index)), port: 8080, backendPort: 8081 }
        // A build is no part of the tests.
        if (peer.name === 'sluice-compiled') continue
        const file = (await peer.launch(site)).args.find((arg) => arg.endsWith('.yaml'))
        if (file === undefined) continue
        const { diagnostics } = await loadConfig(file, loadDeps({}))
        const errors = diagnostics.filter(({ severity }) => severity === 'error')
        found.push(...errors.map(({ message }) => `${peer.name}: ${message}`))
      }
      expect(found).toEqual([])
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
