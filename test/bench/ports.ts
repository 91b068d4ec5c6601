import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import type { Child } from './child.ts'

const START_MS = 60_000
const ANSWER_MS = 2_000

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/**
 * Waits until the child answers requests on the port; rejects with what it said when it ends or takes too long. That it takes
 * connections says little: Sluice looks first whether the port is free, by listening for a moment.
 */
export async function answering(child: Child, port: number, signal: AbortSignal): Promise<void> {
  const end = performance.now() + START_MS
  while (!(await answers(port))) {
    signal.throwIfAborted()
    if (!child.running) throw new Error(`ended: ${child.said.trim()}`)
    if (performance.now() > end) throw new Error(`no answer after ${START_MS / 1000} s: ${child.said.trim()}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function answers(port: number): Promise<boolean> {
  try {
    const { status } = await fetch(`http://127.0.0.1:${port}/small`, { signal: AbortSignal.timeout(ANSWER_MS) })
    return status === 200
  } catch {
    return false
  }
}
