import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const ROOT: string = join(import.meta.dirname, '../..')

/** Files of the project that match, as they are in the checkout; ignored ones left out. */
export function projectFiles(matching: RegExp): string[] {
  const list = execFileSync('git', ['ls-files', '-coz', '--exclude-standard'], { cwd: ROOT, maxBuffer: 10_000_000 })
  return [...new Set(list.toString().split('\0'))].filter((file) => matching.test(file)).toSorted()
}

export function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8')
}

export const SOURCES: readonly string[] = projectFiles(/^src\/.*\.ts$/)
