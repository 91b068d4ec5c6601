import { readFile } from 'node:fs/promises'

/** Bytes of a process: proportional share of its pages, resident memory. Linux; it takes longer than `rss` alone. */
export async function memoryOf(pid: number): Promise<{ readonly pss: number; readonly rss: number }> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8')
  const of = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]) * 1024
  return { pss: of('Pss'), rss: of('Rss') }
}

/** Resident memory of a process, bytes. Linux. */
export async function rss(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1]) * 1024
}
