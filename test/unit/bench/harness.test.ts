import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { family } from '../../bench/processes.ts'
import type { Report } from '../../bench/report.ts'
import { until } from '../../kit/until.ts'
import { skipWithoutTools } from './tools.ts'

const RUN = fileURLToPath(new URL('../../bench/run.ts', import.meta.url))
const LONG = 120_000

class Harness {
  output = ''
  private readonly child: ChildProcess

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, [RUN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text
      })
    }
  }

  get family(): number[] {
    return family(this.child.pid as number)
  }

  interrupt(): void {
    this.child.kill('SIGINT')
  }

  async exited(): Promise<number | null> {
    const timer = setTimeout(() => this.child.kill('SIGKILL'), LONG - 5000)
    await once(this.child, 'close')
    clearTimeout(timer)
    return this.child.exitCode
  }
}

const CHOICE = ['--scenarios', 'small', '--rounds', '2', '--peers', 'sluice,lean']

describe('npm run bench', () => {
  it('measures, and writes what it found', { timeout: LONG }, async ({ skip }) => {
    await skipWithoutTools(skip)
    const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-test-'))
    try {
      const harness = new Harness([...CHOICE, '--warm-up', '1', '--seconds', '1', '--out', folder])
      expect(await harness.exited(), harness.output).toBe(0)
      const report = JSON.parse(await readFile(join(folder, 'peers.json'), 'utf8')) as Report
      expect(report.skipped).toEqual([])
      expect(report.rows.map(({ peer, scenario, errors }) => ({ peer, scenario, errors }))).toEqual(
        ['sluice', 'lean'].map((peer) => ({ peer, scenario: 'small', errors: 0 })),
      )
      for (const { cpuUs, rps, peakMiB, latency } of report.rows) {
        expect(cpuUs).toBeGreaterThan(0)
        expect(rps).toBeGreaterThan(0)
        expect(peakMiB).toBeGreaterThan(10)
        expect(latency?.p99).toBeGreaterThanOrEqual(latency?.p50 as number)
      }
      const [verdict] = report.required
      expect(verdict).toMatchObject({ what: 'CPU per request, sluice to lean', atMost: 1.3 })
      expect(verdict).not.toHaveProperty('invalid')
      const text = await readFile(join(folder, 'peers.md'), 'utf8')
      expect(text).toMatch(
        /\| CPU per request, sluice to lean \| small \| bar \| 1\.30x \| \d+\.\d\dx \| (yes|\*\*no\*\*) \|/,
      )
      expect(text).not.toMatch(tmpdir())
      expect(harness.output).toContain(text.trim())
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('ends all that it started when it is interrupted', { timeout: LONG }, async ({ skip }) => {
    await skipWithoutTools(skip)
    const harness = new Harness([...CHOICE, '--seconds', '60'])
    const ended = harness.exited()
    // The harness, nginx with its worker, a gateway, and wrk.
    await until(
      () => harness.family.length >= 5,
      () => `everything to run: ${harness.output}`,
      60_000,
    )
    const started = harness.family
    harness.interrupt()
    expect(await ended).toBe(130)
    expect(started.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([])
  })
})
