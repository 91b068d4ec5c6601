import { spawnSync } from 'node:child_process'

const FOUND = spawnSync('promtool', ['--version']).status === 0

/** Whether tests that need promtool are left out: it is not installed, and this is not CI, where they fail instead. */
export function withoutPromtool(): boolean {
  if (FOUND || process.env.CI === 'true') return false
  process.stdout.write('skipped: promtool is not installed; scripts/install-system-deps.sh installs it\n')
  return true
}

/** What `promtool check metrics` says of an exposition; 3: it can be read, and has names that are not as they should be. */
export function checkMetrics(text: string): { readonly code: number | null; readonly said: string } {
  const { status, stderr, stdout } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
  return { code: status, said: stdout + stderr }
}
