import { readdirSync, readFileSync } from 'node:fs'

/** A process and all that descend from it. */
export function family(pid: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    const id = Number(name)
    if (!Number.isInteger(id)) continue
    const parent = parentOf(id)
    if (parent === undefined) continue
    const siblings = children.get(parent)
    if (siblings === undefined) children.set(parent, [id])
    else siblings.push(id)
  }
  const found = [pid]
  for (let i = 0; i < found.length; i++) found.push(...(children.get(found[i] as number) ?? []))
  return found
}

/**
 * CPU time in microseconds of all living threads of the processes. From schedstat, which counts nanoseconds: `stat`
 * has ticks of 10 ms.
 */
export function cpuMicros(pids: readonly number[]): number {
  let nanos = 0
  for (const pid of pids) {
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      nanos += Number(readText(`/proc/${pid}/task/${task}/schedstat`)?.split(' ')[0] ?? 0)
    }
  }
  return nanos / 1000
}

/** Resident memory in MiB; pages that processes share count once for each. */
export function rssMiB(pids: readonly number[]): number {
  let kib = 0
  for (const pid of pids) kib += Number(/^VmRSS:\s+(\d+)/m.exec(readText(`/proc/${pid}/status`) ?? '')?.[1] ?? 0)
  return kib / 1024
}

/** The name in brackets may hold blanks and brackets: the fields are counted from the last one. */
function parentOf(pid: number): number | undefined {
  const stat = readText(`/proc/${pid}/stat`)
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

/** Undefined: it has ended. */
function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
