import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Before all tests: gives every process that they start one cache of compiled modules. Each gateway is several threads
 * that would otherwise strip and compile the same files again, which is a third of what a start costs.
 */
export default function compileCache(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-compile-cache-'))
  process.env.NODE_COMPILE_CACHE = folder
  return () => rmSync(folder, { recursive: true, force: true })
}
