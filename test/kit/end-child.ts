import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

const POLITE_MS = 5_000

/** Ends a process: politely, after 5 s by force. One that has ended is left alone. */
export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const force = setTimeout(() => child.kill('SIGKILL'), POLITE_MS)
  await exited
  clearTimeout(force)
}
