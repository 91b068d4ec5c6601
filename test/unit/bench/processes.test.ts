import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startPinned } from '../../bench/child.ts'
import { cpuMicros, family, peakMiB, readStat } from '../../bench/processes.ts'
import { until } from '../../kit/until.ts'

const LINUX = process.platform === 'linux'

describe('a line of /proc/PID/stat', () => {
  it('is counted from the last bracket: names may hold blanks and brackets', () => {
    const text = '42 (a) b (c)) S 7 42 42 0 -1 4194304 1 2 3 4 100 20 3 4 20 0 12 0 555 1 2'
    expect(readStat(text)).toEqual({ parent: 7, ticks: 127 })
  })
})

// The bench itself runs on Linux only.
describe.skipIf(!LINUX)('processes', () => {
  it('are found with all that descend from them', async () => {
    const shell = spawn('sh', ['-c', 'sh -c "echo ready; exec sleep 60"; true'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      await once(shell.stdout, 'data')
      expect(family(shell.pid as number)).toHaveLength(2)
      expect(family(process.pid)).toContain(shell.pid)
    } finally {
      const all = family(shell.pid as number)
      for (const pid of all) process.kill(pid, 'SIGKILL')
      await once(shell, 'close')
    }
    expect(family(process.pid)).not.toContain(shell.pid)
  })

  it('may write what they print to a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-test-'))
    try {
      const output = join(folder, 'output')
      const child = await startPinned(0, { command: process.execPath, args: ['-e', 'console.log(1)'], output })
      await until(() => !child.running, 'its end')
      expect(await readFile(output, 'utf8')).toBe('1\n')
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('are charged for what their threads use', async () => {
    const before = cpuMicros([process.pid])
    await until(() => {
      for (const end = performance.now() + 10; performance.now() < end; );
      return cpuMicros([process.pid]) >= before + 100_000
    }, 'a tenth of a second of our own CPU time')
  })

  it('cost nothing once they are gone', () => {
    expect(cpuMicros([2 ** 30])).toBe(0)
    expect(peakMiB([2 ** 30])).toBe(0)
  })

  it('have a peak that lasts', async () => {
    const script = `Buffer.alloc(300 * 2 ** 20, 1); gc(); console.log('freed'); setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--expose-gc', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      await once(child.stdout, 'data')
      expect(peakMiB(family(child.pid as number))).toBeGreaterThan(300)
    } finally {
      child.kill('SIGKILL')
      await once(child, 'close')
    }
  })
})
