import { readFile } from 'node:fs/promises'

/** Resident memory of a process, bytes. Linux. */
export async function rss(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1]) * 1024
}
