import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:net'
import type { Child } from './child.ts'

const START_MS = 60_000

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Waits until the child accepts connections on the port; rejects with what it said when it ends or takes too long. */
export async function accepting(child: Child, port: number, signal: AbortSignal): Promise<void> {
  const end = performance.now() + START_MS
  while (!(await accepts(port))) {
    signal.throwIfAborted()
    if (!child.running) throw new Error(`ended: ${child.said.trim()}`)
    if (performance.now() > end) throw new Error(`does not listen after ${START_MS / 1000} s: ${child.said.trim()}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
