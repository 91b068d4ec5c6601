import { join } from 'node:path'
import type { Sluice } from '../../kit/sluice.ts'
import type { Attempts, Outcome } from './attempts.ts'

/**
 * What comes of these attempts in a worker. Paths are relative to the gateway's folder, or absolute; what was read is listed by
 * the same.
 */
export async function attempted(sluice: Sluice, reads: readonly string[], writes = 'data/new'): Promise<Outcome> {
  const at = (path: string): string => (path.startsWith('/') ? path : join(sluice.folder, path))
  const asked: Attempts = { reads: reads.map(at), writes: at(writes) }
  const { body, status } = await sluice.send('POST', '/attempts', JSON.stringify(asked))
  if (status !== 200) throw new Error(`${status} ${body}`)
  const outcome = JSON.parse(body) as Outcome
  return { ...outcome, reads: Object.fromEntries(reads.map((path) => [path, outcome.reads[at(path)] as string])) }
}

/** The same of each of them. */
export function all(paths: readonly string[], what: string): Readonly<Record<string, string>> {
  return Object.fromEntries(paths.map((path) => [path, what]))
}
