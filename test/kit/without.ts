import { spawnSync } from 'node:child_process'

/**
 * Whether tests that need a program are left out: it is not installed, and this is not CI, where they fail instead. `flag`: with
 * it the program tells of itself only.
 */
export function without(program: string, flag: string): boolean {
  if (spawnSync(program, [flag]).error === undefined || process.env.CI === 'true') return false
  process.stdout.write(`skipped: ${program} is not installed; scripts/install-system-deps.sh installs it\n`)
  return true
}
