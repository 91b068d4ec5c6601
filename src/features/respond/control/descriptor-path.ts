import { readlink } from 'node:fs/promises'

/** Where an open file of this process is now. undefined: without /proc this is not known. */
export async function descriptorPath(fd: number): Promise<string | undefined> {
  try {
    return await readlink(`/proc/self/fd/${Number(fd)}`)
  } catch {
    return undefined
  }
}
