import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A new folder; `remove` takes it away. */
export function madeFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'sluice-test-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}
