import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** In the state directory of a gateway. */
export const AUDIT_FOLDER = 'audit'
const NAME = /^(\d{6,12})\.jsonl$/

/** Numbers of the files of an audit log, from small to large. Rejects where the folder cannot be read; a missing one is empty. */
export async function auditFiles(folder: string): Promise<number[]> {
  try {
    const names = await readdir(folder)
    return names
      .flatMap((name) => NAME.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

export function auditFile(folder: string, number: number): string {
  return join(folder, `${String(number).padStart(6, '0')}.jsonl`)
}

/** Bytes; 0: it is not there. */
export async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw error
  }
}

/** Makes what was created or removed in a folder last. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
