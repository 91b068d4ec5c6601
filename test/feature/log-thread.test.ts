import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'

const WRITER = fileURLToPath(new URL('../kit/log-writer.ts', import.meta.url))

interface Line {
  readonly ring: number
  readonly n: number
}

let child: ChildProcess | undefined

afterEach(() => {
  child?.kill('SIGKILL')
  child = undefined
})

function start(lines: number, stdout: 'pipe' | number) {
  const started = spawn(process.execPath, [WRITER, String(lines)], { stdio: ['ignore', stdout, 'pipe'] })
  child = started
  let report = ''
  started.stderr?.on('data', (chunk) => {
    report += chunk
  })
  const ended = new Promise<number | null>((resolve) => started.once('close', resolve))
  return { started, ended, report: () => JSON.parse(report) as { accepted: number; dropped: number } }
}

/** Every line is whole, and each ring's are in order. */
function checked(text: string): number {
  const last = [-1, -1]
  const lines = text.split('\n')
  expect(lines.pop()).toBe('')
  for (const line of lines) {
    const { ring, n } = JSON.parse(line) as Line
    expect(n).toBeGreaterThan(last[ring] as number)
    last[ring] = n
  }
  return lines.length
}

describe('the log thread', () => {
  test('writes whole lines to a pipe and everything by the time it has stopped', async () => {
    const { started, ended, report } = start(4000, 'pipe')
    let text = ''
    started.stdout?.on('data', (chunk) => {
      text += chunk
    })
    expect(await ended).toBe(0)
    expect(report()).toEqual({ accepted: 8000, dropped: 0 })
    expect(checked(text)).toBe(8000)
  })

  test('writes to a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-log-'))
    try {
      const file = join(folder, 'access.log')
      const { ended } = start(1000, openSync(file, 'w'))
      expect(await ended).toBe(0)
      expect(checked(readFileSync(file, 'utf8'))).toBe(2000)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('a stdout that is gone costs lines, each counted, and nothing else', async () => {
    const { started, ended, report } = start(4000, 'pipe')
    started.stdout?.once('data', () => started.stdout?.destroy())
    expect(await ended).toBe(0)
    const { accepted, dropped } = report()
    expect(accepted).toBe(8000)
    expect(dropped).toBeGreaterThan(1000)
  })

  test('a stdout that nobody reads neither blocks the writers nor the end', async () => {
    const { started, ended, report } = start(20_000, 'pipe')
    let text = ''
    started.stdout?.on('data', (chunk) => {
      text += chunk
    })
    started.stdout?.pause()
    // Node reads what is left once the process has ended.
    expect(await ended).toBe(0)
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    expect(checked(whole) + report().dropped).toBeGreaterThanOrEqual(40_000 - 1)
    expect(report().dropped).toBeGreaterThan(0)
  })
})
