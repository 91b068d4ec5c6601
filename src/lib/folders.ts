import { realpathSync } from 'node:fs'
import { basename, dirname, join, resolve, sep } from 'node:path'

/** Absolute, links resolved; of what is not there, those of the folders that are. */
export function realOf(path: string): string {
  const full = resolve(path)
  try {
    return realpathSync(full)
  } catch {
    const above = dirname(full)
    return above === full ? full : join(realOf(above), basename(full))
  }
}

/** Whether a file or folder is in a folder, at any depth, or is that folder; wherever links lead. */
export function liesIn(path: string, folder: string): boolean {
  return isWithin(realOf(path), realOf(folder))
}

/** The same of two absolute paths without links. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`)
}
