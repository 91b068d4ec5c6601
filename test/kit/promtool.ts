import { spawnSync } from 'node:child_process'
import { without } from './without.ts'

export function withoutPromtool(): boolean {
  return without('promtool', '--version')
}

/** What `promtool check metrics` says of an exposition; 3: it can be read, and has names that are not as they should be. */
export function checkMetrics(text: string): { readonly code: number | null; readonly said: string } {
  const { status, stderr, stdout } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
  return { code: status, said: stdout + stderr }
}
