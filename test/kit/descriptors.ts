import { readdir } from 'node:fs/promises'

/** Open file descriptors of a process. Linux. */
export async function descriptors(pid: number): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`)).length
}
