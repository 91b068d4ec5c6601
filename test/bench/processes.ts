import { readdirSync, readFileSync } from 'node:fs'

/** Linux tells user space times in ticks of 10 ms, whatever the kernel's own tick. */
const TICK_US = 10_000

/** Fields of /proc/PID/stat that matter here, by proc(5) without the first three. */
interface Stat {
  readonly parent: number
  readonly ticks: number
}

/** A process and all that descend from it. */
export function family(pid: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    const id = Number(name)
    if (!Number.isInteger(id)) continue
    const parent = stat(id)?.parent
    if (parent === undefined) continue
    const siblings = children.get(parent)
    if (siblings === undefined) children.set(parent, [id])
    else siblings.push(id)
  }
  const found = [pid]
  for (let i = 0; i < found.length; i++) found.push(...(children.get(found[i] as number) ?? []))
  return found
}

/** CPU microseconds, user and system, of all threads of the processes, those that ended and waited-for children too. */
export function cpuMicros(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + (stat(pid)?.ticks ?? 0) * TICK_US, 0)
}

/** Peak resident memory in MiB; pages that processes share count once for each. */
export function peakMiB(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const kib = /^VmHWM:\s+(\d+)/m.exec(readText(`/proc/${pid}/status`) ?? '')?.[1]
    return sum + Number(kib ?? 0) / 1024
  }, 0)
}

function stat(pid: number): Stat | undefined {
  const text = readText(`/proc/${pid}/stat`)
  return text === undefined ? undefined : readStat(text)
}

/** The name in brackets may hold blanks and brackets: the fields are counted from the last one. */
export function readStat(text: string): Stat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  // utime, stime, cutime, cstime: fields 14 to 17; the first here is field 3.
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return { parent: Number(fields[1]), ticks }
}

/** Undefined: it has ended. */
function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
